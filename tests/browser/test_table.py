"""What is always to be read in the table of calls, and what leaves it."""

import re

import pytest
from playwright.async_api import Browser, Page

from tests.browser.screen import expect, opened
from tests.integration.http.site import call, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
