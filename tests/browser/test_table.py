"""What is always to be read in the table of calls, and what leaves it."""

import re
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Page

from tests.browser.screen import expect, opened
from tests.integration.http.site import call, serving
from tracker.domain.snapshot import CallSnapshot, CommandPart, Issue

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUT = """names => [...document.querySelectorAll(".rows .row")].flatMap((row) =>
  names.map((name) => row.querySelector(`.cell.${name}`))
    .filter((cell) => cell.scrollWidth > cell.clientWidth
      || cell.scrollHeight > cell.clientHeight + 1)
    .map((cell) => cell.textContent))"""
OUTSIDE = """names => [...document.querySelectorAll(".rows .row")].flatMap((row) =>
  names.map((name) => row.querySelector(`.cell.${name}`))
    .filter((cell) => cell.getBoundingClientRect().right > innerWidth)
    .map((cell) => cell.textContent))"""


def _wanting(issues: int) -> list[CallSnapshot]:
    """Calls with so many *issues* and with a command, of agents with long names."""
    now = datetime.now(UTC)
    command = CommandPart(
        id="k1",
        action="pause",
        target="paused",
        stage="accepted",
        requested_by="jdoe",
        requested_at=now,
        accepted_at=now,
    )
    forbidden = Issue(type="recorded_forbidden", opened_at=now)
    both = (forbidden, Issue(type="command_failed", opened_at=now))
    first = call("c1", agents=["4f" * 16])
    second = call("c2", "stopped", agents=["a7" * 16, "mroe"])
    third = call("c3", "unknown")
    return [
        first.model_copy(update={"issues": (forbidden,), "command": command}),
        second.model_copy(update={"issues": both[:issues]}),
        third.model_copy(update={"allowed_actions": ("pause", "resume")}),
    ]


@pytest.mark.parametrize(("width", "issues"), [(1280, 2), (390, 1)])
async def test_what_matters_is_seen_whole(
    chromium: Browser, width: int, issues: int
) -> None:
    """Issues and commands are not cut; on a telephone the first need no scrolling."""
    async with (
        serving(live_grace_s=600) as site,
        opened(chromium, site.url, viewport={"width": width, "height": 800}) as screen,
    ):
        for shown in _wanting(issues):
            site.show(shown, "call.started")
        await screen.until_states("Recording", "Not recording", "Unknown")
        assert (await screen.rows())[2]["actions"] == ["pause", "resume"]
        page = screen.page
        assert await page.evaluate(CUT, ["issues", "command", "actions"]) == []
        seen = ["state", "agents", "issues", "actions"]
        assert await page.evaluate(OUTSIDE, seen) == []


async def test_no_age_is_counted_while_nothing_is_known(chromium: Browser) -> None:
    """Neither of a state that was unknown already."""
    async with (
        serving(live_grace_s=600) as site,
        opened(chromium, site.url) as screen,
    ):
        site.show(call("c1", "unknown"), "call.started")
        site.show(call("c2"), "call.started")
        ages = screen.page.locator(".cell.age")
        await expect(ages).to_have_text([re.compile(r"\d"), re.compile(r"\d")])
        site.watermark(late_s=1000)
        await expect(ages).to_have_text(["\N{EN DASH}", "\N{EN DASH}"])


async def test_a_question_closes_where_its_call_is_left(chromium: Browser) -> None:
    """By going back as well as to another page; nothing is asked for."""
    shown = call().model_copy(update={"allowed_actions": ("pause",)})
    async with (
        serving(live_grace_s=600) as site,
        opened(chromium, site.url) as screen,
    ):
        page = screen.page
        site.show(shown, "call.started")
        await screen.until_states("Recording")
        await _leave(page, "location.hash = '#/platforms'", ".view.health")
        await page.go_back()
        await page.locator(".row .pill").click()
        await expect(page.locator(".pill.big")).to_have_text("Recording")
        await _leave(page, "history.back()", ".view.calls")
        assert site.told == []


async def _leave(page: Page, way: str, there: str) -> None:
    """Leave a call by *way* while it is asked whether to pause it."""
    await page.locator("[data-action=pause], .now button").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Pause the recording?")
    await page.evaluate(way)
    await expect(page.locator(there)).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
