"""Supervisors see how it goes with webhooks, and mend it, in a real tracker."""

import json
import re
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from playwright.async_api import Browser

from tests.browser.screen import expect, opened
from tests.browser.test_accessible import faults
from tests.integration.e2e.site import recorded_calls, watched
from tests.integration.http.site import JWT, serving
from tests.integration.webhooks.rig import Got, receiving
from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARKUP = "<b>closed for today</b>"


def broken(_: Got) -> web.Response:
    return web.Response(status=500, text=MARKUP)


async def test_a_broken_receiver_is_seen_and_mended(
    chromium: Browser, tmp_path: Path
) -> None:
    """What it is owed, why, a resend when it is well again; then it is disabled."""
    simulator = GenesysSimulator(SimulatorOptions(agents=1))
    async with (
        watched(simulator, tmp_path, webhooks={"allow_loopback": True}) as site,
        receiving(broken) as receiver,
        ClientSession(site.url) as http,
        opened(chromium, site.url) as screen,
    ):
        page = screen.page
        wanted = {
            "url": receiver.url,
            "description": "The archive",
            "filter": {"types": ["tracker.recording.started"]},
        }
        async with http.post("/v1/webhooks", json=wanted) as answer:
            secret = (await answer.json())["secret"]
        recorded_calls(simulator)
        await page.get_by_role("link", name="Webhooks").click()
        row = page.get_by_role("row", name="The archive")
        for cell in ("1", "0 % of 1", "events: recording.started"):
            await expect(row.get_by_role("cell", name=cell, exact=True)).to_be_visible()
        assert await faults(screen) == []

        await page.get_by_role("link", name="The archive").press("Enter")
        delivery = page.locator(".deliveries > li")
        await expect(delivery).to_contain_text(re.compile("Owed.*tried again"))
        await delivery.locator("summary").press("Enter")
        await expect(
            delivery.get_by_role("cell", name="500", exact=True)
        ).to_be_visible()
        await expect(delivery).to_contain_text(MARKUP)
        assert await faults(screen) == []
        receiver.answer = lambda _: web.Response()
        await page.get_by_role("button", name="Resend").press("Enter")
        await expect(delivery).to_contain_text("Delivered")
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

        await page.get_by_role("button", name="Disable").click()
        await page.get_by_role("dialog").get_by_role("button", name="Disable").click()
        state = page.locator("[aria-label=Endpoint] [role=status]")
        await expect(state).to_contain_text("somebody wanted it")
        assert secret not in await page.content()
        assert await shown_state(http) == "disabled"
        await page.get_by_role("button", name="Enable").click()
        await page.get_by_role("dialog").get_by_role("button", name="Enable").click()
        await expect(state).to_contain_text("Enabled")
        assert await shown_state(http) == "enabled"


async def shown_state(http: ClientSession) -> str:
    """The only endpoint's, as the API has it."""
    async with http.get("/v1/webhooks") as answer:
        [endpoint] = json.loads(await answer.text())["items"]
    return str(endpoint["state"])


async def test_the_tab_is_for_who_manages(chromium: Browser) -> None:
    """Others do not see it, and whose tracker has no webhooks is told so."""
    async with serving(JWT, live_grace_s=60) as site:
        tab = {"name": "Webhooks"}
        async with opened(chromium, site.url, site.token("calls:read")) as screen:
            await expect(
                screen.page.get_by_role("link", name="Platforms")
            ).to_be_visible()
            await expect(screen.page.get_by_role("link", **tab)).to_be_hidden()
            await screen.page.goto(f"{site.url}/#/webhooks")
            await expect(screen.page.get_by_role("alert").last).to_contain_text(
                "webhooks:manage"
            )
        manager = site.token("calls:read webhooks:manage")
        async with opened(chromium, site.url, manager) as screen:
            await screen.page.get_by_role("link", **tab).click()
            await expect(screen.page.get_by_role("alert").last).to_have_text(
                "this process manages no webhooks."
            )
