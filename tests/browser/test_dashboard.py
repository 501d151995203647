"""What supervisors see and do, on simulated Genesys."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.screen import expect, opened
from tests.integration.e2e.site import call_key, recorded_calls, shows, watched
from tests.integration.http.site import account, call, serving, source
from tracker.client import Tracker
from tracker.domain.snapshot import Party, PartyRecording
from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_table_follows_the_calls(chromium: Browser, tmp_path: Path) -> None:
    """What needs attention is on top; filters are in the address and stay there."""
    simulator = GenesysSimulator(SimulatorOptions(agents=3))
    async with (
        watched(simulator, tmp_path) as site,
        opened(chromium, site.url) as screen,
    ):
        page, switch = screen.page, simulator.switch
        await expect(page.locator(".empty")).to_have_text("There are no calls.")
        first, second, third = recorded_calls(simulator)
        await screen.until_states("Recording", "Recording", "Recording")
        switch.pause_recording(second, second.legs[0].agent.id)
        await screen.until_states("Paused", "Recording", "Recording")
        switch.pause_recording(third, third.legs[0].agent.id)
        await screen.until_states("Paused", "Paused", "Recording")
        rows = await screen.rows()
        assert [row["agents"] for row in rows] == [
            call.legs[0].agent.id for call in (second, third, first)
        ]
        assert [row["actions"] for row in rows] == [["resume"], ["resume"], ["pause"]]
        paused = page.locator("[data-word=paused]")
        await expect(paused).to_have_text(re.compile("^2"))
        await paused.click()
        await screen.until_states("Paused", "Paused")
        await page.get_by_role("searchbox").fill(second.legs[0].agent.id)
        await screen.until_states("Paused")
        assert page.url.endswith(
            f"#/calls?text={second.legs[0].agent.id}&states=paused"
        )
        await page.reload()
        await screen.until_states("Paused")
        switch.hang_up(second)
        await expect(page.locator(".empty")).to_have_text(
            "No call matches these filters."
        )
        await page.get_by_role("button", name="Clear").click()
        await screen.until_states("Paused", "Recording")


async def test_a_keyboard_is_enough(chromium: Browser, tmp_path: Path) -> None:
    """To find a call, to open it, to pause it and to come back."""
    simulator = GenesysSimulator(SimulatorOptions(agents=2))
    async with (
        watched(simulator, tmp_path) as site,
        opened(chromium, site.url) as screen,
    ):
        page = screen.page
        recorded_calls(simulator)
        await screen.until_states("Recording", "Recording")
        await page.keyboard.press("/")
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await page.keyboard.type("genesys")
        await page.get_by_role("grid").focus()
        await page.keyboard.press("End")
        await expect(page.locator(".row.active")).to_have_attribute(
            "aria-rowindex", "3"
        )
        await page.keyboard.press("Enter")
        await expect(page.locator(".pill.big")).to_have_text("Recording")
        await page.get_by_role("button", name="Pause").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        yes = page.get_by_role("dialog").get_by_role("button", name="Pause")
        await expect(yes).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator(".pill.big")).to_have_text("Paused")
        await page.get_by_role("link", name="All calls").focus()
        await page.keyboard.press("Enter")
        await screen.until_states("Paused", "Recording")
        assert page.url.endswith("?text=genesys")


async def test_a_keyboard_finds_its_way(chromium: Browser, tmp_path: Path) -> None:
    """Past the filters by the page's first link; back to the row that was opened."""
    simulator = GenesysSimulator(SimulatorOptions(agents=2))
    async with (
        watched(simulator, tmp_path) as site,
        opened(chromium, site.url) as screen,
    ):
        page = screen.page
        recorded_calls(simulator)
        await screen.until_states("Recording", "Recording")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("grid")).to_be_focused()
        active = page.locator(".row.active")
        await expect(active).to_have_attribute("aria-rowindex", "2")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.locator(".pill.big")).to_have_text("Recording")
        await expect(page.locator("main")).to_be_focused()
        await page.go_back()
        await expect(page.get_by_role("grid")).to_be_focused()
        await expect(active).to_have_attribute("aria-rowindex", "3")


async def test_a_telephone_is_wide_enough(chromium: Browser, tmp_path: Path) -> None:
    """No page scrolls sideways: what is too wide does so in itself."""
    simulator = GenesysSimulator(SimulatorOptions(agents=2))
    async with (
        watched(simulator, tmp_path) as site,
        opened(chromium, site.url) as screen,
    ):
        page = screen.page
        await page.set_viewport_size({"width": 390, "height": 844})
        call, _ = recorded_calls(simulator)
        await screen.until_states("Recording", "Recording")
        shown = {
            "/#/calls": ".row .pill",
            f"/#/calls/{call_key(call)}": "td .pill",
            "/#/platforms": ".grid .row",
            "/desktop": "recording-state",
        }
        for place, content in shown.items():
            await page.goto(site.url + place)
            await expect(page.locator(content).first).to_be_visible()
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert (place, width) == (place, 390)


async def test_a_pause_goes_through_its_stages(
    chromium: Browser, tmp_path: Path
) -> None:
    """What was asked for is never shown as what is; the call's page tells all of it."""
    options = SimulatorOptions(agents=1, recording_delay_s=1.0)
    simulator = GenesysSimulator(options)
    async with (
        watched(simulator, tmp_path) as site,
        opened(chromium, site.url) as screen,
    ):
        page = screen.page
        (call,) = recorded_calls(simulator)
        await screen.until_states("Recording")
        await page.locator("[data-action=pause]").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text(
            "Pausing a recording does not by itself make a call PCI compliant."
        )
        await dialog.get_by_label("Reason").select_option("Payment")
        await dialog.get_by_role("button", name="Pause").click()
        command = page.locator(".cell.command")
        await expect(command).to_have_text("Pause accepted, not yet seen")
        (row,) = await screen.rows()
        assert (row["state"], row["actions"]) == ("Recording", [])
        await screen.until_states("Paused")
        await expect(command).to_have_text("Pause confirmed")
        await expect(page.locator(".notice")).to_have_text("Pause confirmed")

        await page.locator(".pill").click()
        await expect(page).to_have_url(f"{site.url}/#/calls/{call_key(call)}")
        await expect(page.locator(".stages .done")).to_have_count(4)
        await expect(page.locator(".commands")).to_contain_text("payment")
        await expect(page.locator(".bar i.paused")).to_have_count(1)
        await expect(page.locator("td .pill")).to_have_text("Paused")
        await page.get_by_role("button", name="Resume").click()
        await expect(page.locator(".bar i.recording")).to_have_count(2)
        simulator.switch.hang_up(call)
        await expect(page.locator(".pill.big, .how")).to_have_text(
            ["Ended", "Recording until the end"]
        )
        await expect(page.locator(".now button")).to_have_count(0)


async def test_a_call_s_page_shows_what_was_asked_before(
    chromium: Browser, tmp_path: Path
) -> None:
    """The newest command first; and what is asked while it is open comes on top."""
    simulator = GenesysSimulator(SimulatorOptions(agents=1))
    async with watched(simulator, tmp_path) as site:
        (call,) = recorded_calls(simulator)
        key = call_key(call)
        await site.desk.until(lambda: shows(site.desk, [call]))
        for action in ("pause", "resume"):
            command = await Tracker(site.url).command(key, action, wait_s=20)
            assert command["stage"] == "confirmed"
        async with opened(chromium, f"{site.url}/#/calls/{key}") as screen:
            page = screen.page
            asked = page.locator(".commands strong")
            await expect(asked).to_have_text(["Resume", "Pause"])
            await expect(page.locator(".stages .done")).to_have_count(8)
            await page.get_by_role("button", name="Pause").click()
            dialog = page.get_by_role("dialog")
            await dialog.get_by_role("button", name="Pause").click()
            await expect(asked).to_have_text(["Pause", "Resume", "Pause"])
            await expect(page.locator(".stages .done")).to_have_count(12)


async def test_long_names_and_errors_stay_within_their_card(chromium: Browser) -> None:
    """They are wrapped where nothing in them says where."""
    why = f"GET https://platform.example/{'v2/accounts/' * 12} answers 401"
    shown = account("4f" * 16).model_copy(update={"state": "locked", "last_error": why})
    async with serving() as site:
        site.show(shown, "account.locked")
        async with opened(chromium, f"{site.url}/#/platforms") as screen:
            card = screen.page.locator(".tenant")
            await expect(card).to_contain_text(why)
            assert await card.evaluate("card => card.scrollWidth <= card.clientWidth")


async def test_what_may_be_wrong_by_now_is_unknown_on_every_page(
    chromium: Browser,
) -> None:
    """Accounts, feeds and who is on a call: each with what it was before."""
    recording = PartyRecording(state="recording")
    parties = (Party(agent="jdoe", role="agent", recording=recording),)
    shown = call()
    shown = shown.but(call=shown.call.but(parties=parties))
    async with (
        serving(live_grace_s=600) as site,
        opened(chromium, f"{site.url}/#/platforms") as platforms,
        opened(chromium, f"{site.url}/#/calls/{shown.key}") as screen,
    ):
        for snapshot in (shown, account(), source(), source("mroe", "down")):
            site.show(snapshot, "source.up")
        card = platforms.page.locator(".tenant")
        feeds = platforms.page.locator(".sources .rows .row")
        count = platforms.page.locator(".fields .muted")
        mark = screen.page.locator("td span[data-state]")
        known = re.compile(r"^Up.*1 of 2 feeds up, for ")
        for _ in range(2):
            await expect(card).to_have_text(known)
            await expect(count).to_have_text("1 of 2 feeds are up")
            await expect(mark).to_have_text("Recording")
            await expect(mark.locator(".pill.recording")).to_be_visible()
            site.watermark(late_s=1000)
            await expect(card).to_have_text(re.compile("^UnknownGenesys / acmewas up$"))
            await expect(count).to_have_text("\N{EN DASH} of 2 feeds are up")
            await expect(feeds.nth(0)).to_contain_text("could not see")
            await expect(feeds.nth(1)).to_contain_text("was up")
            await expect(feeds).to_contain_text(["Unknown", "Unknown"])
            await expect(mark).to_have_text("Unknown was recording")
            await expect(mark.locator(".pill.unknown")).to_be_visible()
            site.watermark()
