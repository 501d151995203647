"""Everybody can use the pages: axe-core finds no serious fault."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.screen import Screen, desk, opened
from tests.integration.http.site import Site, account, call, interval, serving, source
from tracker.domain.snapshot import CommandPart, Issue
from tracker.domain.terms import RecordingState

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = Path(__file__).parents[1] / "peers/node_modules/axe-core/axe.min.js"
GRAVE = ("serious", "critical")


def fill(site: Site) -> None:
    """Everything that can be shown."""
    now = datetime.now(UTC)
    command = CommandPart(
        id="k1",
        action="pause",
        target="paused",
        stage="unconfirmed",
        requested_by="jdoe",
        requested_at=now,
        settled_at=now + timedelta(seconds=5),
        problem="not seen in time",
    )
    issue = Issue(type="command_failed", opened_at=now)
    full = {
        "command": command,
        "issues": (issue,),
        "allowed_actions": ("pause", "stop"),
    }
    site.show(call("c1").model_copy(update=full), "call.started")
    others: tuple[RecordingState, ...] = ("paused", "stopped", "unknown")
    for number, state in enumerate(others):
        site.show(call(f"c{2 + number}", state, agents=[f"a{number}"]), "call.started")
    site.show(account(), "account.up")
    site.show(source(), "source.up")
    site.show(source("mroe", "down"), "source.down")
    site.outbox.timelines["genesys/acme/c1"] = [interval("recording", 0, 5)]


async def faults(screen: Screen) -> list[str]:
    """What axe-core finds to be grave."""
    await screen.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await screen.page.evaluate("axe.run()")
    assert found["passes"]
    return [
        f"{fault['id']}: {node['html']}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_has_a_grave_fault(chromium: Browser, scheme: str) -> None:
    """Neither does the light in somebody else's page."""
    async with (
        serving(live_grace_s=60) as site,
        desk(site.url, agent="jdoe") as url,
        opened(chromium, site.url, color_scheme=scheme) as screen,
        opened(chromium, url, color_scheme=scheme) as light,
    ):
        fill(site)
        page = screen.page
        await screen.until_states("Recording", "Unknown", "Paused", "Not recording")
        assert await faults(screen) == []
        await page.locator("[data-action=pause]:visible").click()
        assert await faults(screen) == []
        await page.keyboard.press("Escape")
        await page.locator(".pill").first.click()
        await page.locator(".bar i").first.wait_for()
        assert await faults(screen) == []
        await page.get_by_role("link", name="Platforms").click()
        await page.locator(".row .health").first.wait_for()
        assert await faults(screen) == []
        await light.until_light("Recording")
        await light.page.get_by_role("button", name="Pause recording").click()
        assert await faults(light) == []
