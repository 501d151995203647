"""The agents' light never lies: blindness, a dead tracker, a cut network."""

from asyncio import gather
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.screen import Screen, desk, expect, opened
from tests.integration.e2e.site import Site, recorded_calls, shows, watched
from tests.integration.e2e.test_crash import crashing
from tests.integration.http.site import call, serving
from tracker.domain.snapshot import CommandPart
from tracker.domain.terms import Action
from tracker.ingest import pulse
from tracker.providers.genesys import bayeux
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.genesys import Call, GenesysSimulator, SimulatorOptions

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRACE_S = 2
CURSOR_S = 0.5
"""Between two signs of life, in place of 5."""


@asynccontextmanager
async def lit(
    chromium: Browser, directory: Path, options: SimulatorOptions
) -> AsyncIterator[tuple[Site, Call, Screen]]:
    """A call that is recorded, and its agent's desk, a page of another origin."""
    simulator = GenesysSimulator(options)
    (agent,) = simulator.agents
    async with (
        watched(simulator, directory) as site,
        desk(site.url, agent=agent.id) as url,
        opened(chromium, url) as screen,
    ):
        await screen.until_light("No call")
        (call,) = recorded_calls(simulator)
        await screen.until_light("Recording")
        yield site, call, screen


async def test_an_agent_pauses_and_resumes(chromium: Browser, tmp_path: Path) -> None:
    """With a reason, through the stages; held calls stand apart."""
    slow = SimulatorOptions(agents=1, recording_delay_s=1.0)
    async with lit(chromium, tmp_path, slow) as (site, call, screen):
        page = screen.page
        await page.get_by_role("button", name="Pause recording").click()
        await expect(page.locator("small")).to_have_text(
            "Pausing a recording does not by itself make a call PCI compliant."
        )
        await page.get_by_role("button", name="Payment").click()
        step = page.locator(".step")
        await expect(step).to_have_text("Pause: accepted, waiting to see it")
        await expect(page.locator(".active .word")).to_have_text("Recording")
        await screen.until_light("Paused 0:0")
        await expect(step).to_have_text("Pause: done")
        await expect(page.get_by_role("status")).to_have_text("Paused, done")
        resume = page.get_by_role("button", name="Resume recording")
        await expect(resume).to_be_focused()
        await resume.click()
        await screen.until_light("Recording")
        switch, agent = site.simulator.switch, call.legs[0].agent.id
        switch.hold(call, agent)
        await expect(page.locator(".held .word")).to_have_text("Recording")
        second = switch.dial_in("15550009999", agent)
        switch.answer(second)
        await screen.until_light("Not recording")
        switch.hang_up(second)
        switch.retrieve(call, agent)
        await screen.until_light("Recording")
        await expect(page.locator(".held")).to_be_hidden()
        switch.hang_up(call)
        await screen.until_light("No call")


async def test_a_blind_source_is_never_shown_as_recording(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quiet call keeps its state for as long as its source can be seen."""
    monkeypatch.setattr(bayeux, "SHORTEST_LIMIT_S", 3.0)
    monkeypatch.setattr(bayeux, "GRACE_S", 1.0)
    monkeypatch.setattr(pulse, "EVERY_S", 0.2)
    brief = SimulatorOptions(agents=1, timeout_ms=400)
    async with (
        lit(chromium, tmp_path, brief) as (site, _, screen),
        opened(chromium, site.url) as supervisor,
    ):
        simulator = site.simulator
        polled = simulator.site.counters.bayeux
        many = polled["/meta/connect"] + 12  # far more than make a source overdue
        await simulator.until(lambda: polled["/meta/connect"] >= many)
        told = await screen.told()
        assert "unknown" not in told[told.index("none") :]
        simulator.faults.add(Fault(kind=FaultKind.HANG, path="*"))
        await screen.until_light("Unknown")
        await expect(screen.page.locator(".about")).to_contain_text(
            "The phone system cannot be seen"
        )
        await supervisor.until_states("Unknown")
        (row,) = await supervisor.rows()
        assert row["evidence"] == "not seen"
        await supervisor.page.get_by_role("link", name="Platforms").click()
        await expect(supervisor.page.locator(".tenant")).to_contain_text("Cannot see")
        simulator.faults.clear()
        await screen.until_light("Recording")
        await expect(supervisor.page.locator(".tenant")).to_contain_text("Up")


async def test_a_dead_tracker_is_never_shown_as_recording(
    chromium: Browser, tmp_path: Path
) -> None:
    """Then it comes back, and nothing that happened was missed."""
    often = {"cursor_interval_s": CURSOR_S}
    async with (
        crashing(tmp_path, agents=1, stream=often) as (simulator, tracker, watcher),
        desk(tracker.url, agent=simulator.agents[0].id, grace=str(GRACE_S)) as url,
        opened(chromium, url) as screen,
        opened(chromium, tracker.url) as supervisor,
    ):
        await _collect(supervisor, watcher.cursor)
        (call,) = recorded_calls(simulator)
        agent = call.legs[0].agent.id
        await screen.until_light("Recording")
        await supervisor.until_states("Recording")
        await tracker.kill()
        banner = supervisor.page.locator("#banner")
        await expect(banner).to_contain_text("The connection is lost")
        await expect(supervisor.page.locator(".view")).to_have_class("view calls stale")
        amiss = supervisor.page.locator(".counter.issues strong")
        await expect(amiss.first).to_have_text(
            "\N{EN DASH}"
        )  # what is not known is not none
        await screen.until_light("Unknown")
        await expect(screen.page.get_by_role("button")).to_have_count(0)
        await supervisor.until_states("Unknown", has_been="was recording")
        simulator.switch.pause_recording(call, agent)
        await tracker.start()
        await gather(screen.come_back(), supervisor.come_back())
        await screen.until_light("Paused")
        await supervisor.until_states("Paused")
        await expect(banner).to_be_hidden()
        simulator.switch.resume_recording(call, agent)
        await supervisor.until_states("Recording")
        await watcher.until(lambda: shows(watcher, [call]))
        ids = [event["id"] for event in watcher.events if event["data"].get("call")]
        await supervisor.page.wait_for_function(
            "ids => JSON.stringify(window.ids) === JSON.stringify(ids)", arg=ids
        )
        _assert_honest(await screen.told())


def _assert_honest(told: Sequence[str]) -> None:
    """The light went out with tracker, and has told every state since, in order."""
    since = told[told.index("recording") :]
    assert since[1] == "unknown"
    known = [state for state, _ in groupby(s for s in since if s != "unknown")]
    assert known == ["recording", "paused", "recording"]


async def _collect(screen: Screen, since: str | None) -> None:
    """Have the page iterate the events of calls with the JavaScript client."""
    collect = """async since => {
      const { Tracker } = await import("/client.js");
      window.ids = [];
      const events = new Tracker().events({}, { since });
      (async () => {
        for await (const { id, data } of events) if (data.call) window.ids.push(id);
      })();
    }"""
    await screen.page.evaluate(collect, since)


async def test_a_tracker_that_is_late_is_never_shown_as_recording(
    chromium: Browser,
) -> None:
    """`live: false` greys everything at once; it is over with the next sign of life."""
    async with (
        serving(live_grace_s=1) as site,
        desk(site.url, agent="jdoe") as url,
        opened(chromium, url) as screen,
        opened(chromium, site.url) as supervisor,
    ):
        site.show(call(), "call.started", "recording.started")
        site.watermark()
        await screen.until_light("Recording")
        await screen.until_light("Unknown")
        await expect(screen.page.locator(".about")).to_contain_text("Waiting for")
        await supervisor.until_states("Unknown", has_been="was recording")
        banner = supervisor.page.locator("#banner")
        await expect(banner).to_contain_text("tracker says that it is behind")
        site.watermark()
        await screen.until_light("Recording")
        await expect(banner).to_be_hidden()


async def test_every_command_is_told_in_words(chromium: Browser) -> None:
    """Those too that the light has no button for."""
    now = datetime.now(UTC)
    words: dict[Action, str] = {
        "start": "Start",
        "stop": "Stop",
        "pause": "Pause",
        "resume": "Resume",
    }
    async with (
        serving(live_grace_s=600) as site,
        desk(site.url, agent="jdoe") as url,
        opened(chromium, url) as screen,
    ):
        for version, (action, word) in enumerate(words.items(), 1):
            command = CommandPart(
                id=action,
                action=action,
                target="recording",
                stage="confirmed",
                requested_by="jdoe",
                requested_at=now,
                settled_at=now + timedelta(minutes=5),
            )
            shown = call(version=version).model_copy(update={"command": command})
            site.show(shown, "command.confirmed")
            step = screen.page.locator(".step")
            await expect(step).to_have_text(f"{word}: done")


async def test_an_agent_who_signs_out_leaves_nothing_behind(chromium: Browser) -> None:
    """Neither a state nor a button, for nobody nor for the next one; and it is told."""
    paused = call(state="paused").model_copy(update={"allowed_actions": ("resume",)})
    change = """change => {
      const light = document.querySelector("recording-state");
      light[change[0]]("agent", ...change.slice(1));
      const words = [...light.shadowRoot.querySelectorAll(".word")];
      const buttons = light.shadowRoot.querySelectorAll("button").length;
      return [words.map((word) => word.textContent).join(), light.shown.state, buttons];
    }"""
    async with (
        serving(live_grace_s=60) as site,
        desk(site.url) as url,
        opened(chromium, url) as screen,
    ):
        page, told = screen.page, ["none"]
        site.show(paused, "call.started", "recording.paused")
        await screen.until_light("No call")
        for out in (["removeAttribute"], ["setAttribute", ""]):
            await page.evaluate(change, ["setAttribute", "jdoe"])
            await screen.until_light("Paused")
            await expect(page.get_by_role("button")).to_have_text("Resume recording")
            assert await page.evaluate(change, out) == ["No call", "none", 0]
            await expect(page.get_by_role("status")).to_have_text("No call")
            told += ["unknown", "paused", "none"]
            assert await screen.told() == told
        await page.evaluate(change, ["setAttribute", "jdoe"])
        await screen.until_light("Paused")
        at_once = await page.evaluate(change, ["setAttribute", "asmith"])
        assert at_once == ["Unknown", "unknown", 0]
        await screen.until_light("No call")
        assert await screen.told() == [*told, "unknown", "paused", "unknown", "none"]
