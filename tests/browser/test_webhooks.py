"""Supervisors see how it goes with webhooks, and mend it, in a real tracker."""

import re
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from playwright.async_api import Browser, Page

from tests.browser.screen import Screen, expect, opened
from tests.browser.test_accessible import faults
from tests.integration.e2e.site import recorded_calls, watched
from tests.integration.http.site import JWT, serving
from tests.integration.webhooks.receiver import Got, Receiver, ok, receiving
from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARKUP = "<b>closed for today</b>"
WANTED = {
    "description": "The archive",
    "filter": {"types": ["tracker.recording.started"]},
}


def broken(_: Got) -> web.Response:
    """And is not to be tried again before somebody asks for it."""
    return web.Response(status=500, text=MARKUP, headers={"Retry-After": "3600"})


async def assert_faultless(screen: Screen) -> None:
    """In light and in dark."""
    for scheme in ("dark", "light"):
        await screen.page.emulate_media(color_scheme=scheme)
        assert await faults(screen) == []


async def see_failure(screen: Screen) -> None:
    """In the list, and on the endpoint's page: what it answered is text."""
    page = screen.page
    await page.get_by_role("link", name="Webhooks").click()
    row = page.get_by_role("row", name="The archive")
    for cell in ("1", "0 % of 1", "events: recording.started"):
        await expect(row.get_by_role("cell", name=cell, exact=True)).to_be_visible()
    await assert_faultless(screen)
    await page.get_by_role("link", name="The archive").press("Enter")
    delivery = page.locator(".deliveries > li")
    await expect(delivery).to_contain_text(re.compile("Owed.*tried again"))
    await delivery.locator("summary").press("Enter")
    await expect(delivery.get_by_role("cell", name="500", exact=True)).to_be_visible()
    await expect(delivery).to_contain_text(MARKUP)
    await assert_faultless(screen)


async def send_again(page: Page, receiver: Receiver) -> None:
    """By a resend, which succeeds; a test; and a replay of the last hour."""
    delivery = page.locator(".deliveries > li")
    resend = page.get_by_role("button", name="Resend")
    await resend.press("Enter")
    await expect(delivery).to_contain_text("Delivered")
    await expect(resend).to_be_focused()
    await expect(page.locator(".facts")).to_contain_text("50 % of 2")
    await page.get_by_role("button", name="Send a test").click()
    await expect(delivery).to_have_count(2)
    await receiver.until(lambda: len(receiver.taken) == 2)
    await page.get_by_label("Status").select_option("Failed")
    await expect(delivery).to_have_count(0)
    await page.get_by_role("button", name="Replay").click()
    await page.get_by_role("dialog").get_by_label("From").press("Enter")
    await receiver.until(lambda: len(receiver.taken) == 3)
    assert receiver.taken[2].id == receiver.taken[0].id


async def lose_sight(page: Page) -> None:
    """While nobody answers, that is said, on the page and nowhere else."""
    said = page.locator(".webhooks > [role=alert]")
    await page.route("**/v1/webhooks/**", lambda route: route.abort())
    await expect(said).to_contain_text("tracker does not answer. What is shown is of")
    await page.unroute_all()
    await expect(said).to_be_hidden()


async def turn(page: Page, http: ClientSession, word: str) -> None:
    """Disable or enable it, after the question; the API says the same."""
    await page.get_by_role("button", name=word).click()
    await page.get_by_role("dialog").get_by_role("button", name=word).click()
    state = page.locator("[aria-label=Endpoint] [role=status]")
    await expect(state).to_contain_text(f"{word}d")
    async with http.get("/v1/webhooks") as answer:
        [endpoint] = (await answer.json())["items"]
    assert endpoint["state"] == f"{word}d".lower()


async def test_a_broken_receiver_is_seen_and_mended(
    chromium: Browser, tmp_path: Path
) -> None:
    """The keyboard is enough, and the secret is nowhere."""
    simulator = GenesysSimulator(SimulatorOptions(agents=1))
    async with (
        watched(simulator, tmp_path, webhooks={"allow_loopback": True}) as site,
        receiving(broken) as receiver,
        ClientSession(site.url) as http,
        opened(chromium, site.url) as screen,
    ):
        wanted = {"url": receiver.url, **WANTED}
        async with http.post("/v1/webhooks", json=wanted) as answer:
            secret = (await answer.json())["secret"]
        recorded_calls(simulator)
        await see_failure(screen)
        receiver.answer = ok
        await send_again(screen.page, receiver)
        await lose_sight(screen.page)
        await turn(screen.page, http, "Disable")
        assert secret not in await screen.page.content()
        await turn(screen.page, http, "Enable")


async def test_the_tab_is_for_who_manages(chromium: Browser) -> None:
    """Others do not see it; what the server says instead of an answer is shown."""
    async with serving(JWT, live_grace_s=60) as site:
        token = site.token("calls:read")
        async with opened(chromium, f"{site.url}/#/webhooks", token) as screen:
            page = screen.page
            tab = page.get_by_role("link", name="Webhooks")
            said = page.locator(".webhooks [role=alert]")
            await expect(said).to_contain_text("webhooks:manage")
            await expect(tab).to_be_hidden()
            await page.get_by_role("button", name="Access token").click()
            field = page.get_by_label("Paste your access token")
            await field.fill(site.token("calls:read webhooks:manage"))
            await field.press("Enter")
            await expect(tab).to_be_visible()
            await expect(said).to_have_text("this process manages no webhooks.")
