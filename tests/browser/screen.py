"""A browser's page, as its user sees it; what it says against us fails the test."""

import json
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright
from playwright.async_api import expect as expect

from tests.integration.subscriber import Json

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
WITHIN_MS: Final = 40_000

expect.set_options(timeout=WITHIN_MS)

_ROWS = """() => [...document.querySelectorAll(".rows [role=row]")]
  .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
  .map((row) => Object.fromEntries([
    ["state", row.querySelector(".pill").textContent],
    ["was", row.querySelector("small").textContent],
    ...["age", "agents", "evidence", "command", "issues"]
      .map((name) => [name, row.querySelector(`.${name}`).textContent]),
    ["actions", [...row.querySelectorAll("button")]
      .filter((button) => !button.hidden).map((button) => button.dataset.action)],
  ]))"""


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """The system's Chromium, without a window."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        message = "the browser tests need Chromium: apt-get install chromium"
        raise FileNotFoundError(message)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox"],  # a container's root may have none
        )
        yield browser
        await browser.close()


class Screen:
    """A page with tracker's dashboard, or with the light in it.

    Attributes:
        sockets: How many WebSockets it has opened.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sockets = 0
        self._complaints: list[str] = []
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("console", self._hear)
        page.on("websocket", lambda _: self._count())
        page.set_default_timeout(WITHIN_MS)

    def _count(self) -> None:
        self.sockets += 1

    def _hear(self, message: ConsoleMessage) -> None:
        """Whatever a page says is wrong, but that a server is away or says no."""
        is_expected = "WebSocket connection to" in message.text or (
            message.text.startswith("Failed to load resource")
        )
        if message.type in ("error", "warning") and not is_expected:
            self._complaints.append(message.text)

    def assert_content(self) -> None:
        """Nothing was refused by the policy, and no script has failed."""
        assert self._complaints == []

    async def rows(self) -> list[Json]:
        """The table of calls as it is shown, from the top."""
        found: list[Json] = await self.page.evaluate(_ROWS)
        return found

    async def until_states(self, *states: str, has_been: str = "") -> None:
        """Wait until the table shows just these, from the top."""
        await self.page.wait_for_function(
            f"""([states, was]) => {{
              const rows = ({_ROWS})();
              return JSON.stringify(rows.map((row) => row.state))
                === JSON.stringify(states) && rows.every((row) => row.was === was);
            }}""",
            arg=[states, has_been],
        )

    async def until_light(self, state: str) -> None:
        """Wait until the light begins to say *state*."""
        word = self.page.locator(".active .word")
        await expect(word).to_have_text(re.compile(f"^{re.escape(state)}"))

    async def come_back(self) -> None:
        """The machine says that its network is there again: the page need not wait."""
        await self.page.evaluate("dispatchEvent(new Event('online'))")

    async def told(self) -> list[str]:
        """The states that the light's page was told, in order, without repeats."""
        states: list[str] = await self.page.evaluate("window.told")
        return states


@asynccontextmanager
async def opened(
    chromium: Browser, url: str, token: str | None = None, **context: Any
) -> AsyncIterator[Screen]:
    """A page at *url*, with a *token* pasted before if there is one."""
    async with await chromium.new_context(**context) as opened_context:
        if token is not None:
            words = json.dumps(token)
            await opened_context.add_init_script(
                f"sessionStorage.getItem('tracker-token')"
                f" ?? sessionStorage.setItem('tracker-token', {words})"
            )
        screen = Screen(await opened_context.new_page())
        await screen.page.goto(url)
        yield screen
        screen.assert_content()


_DESK = """<!doctype html><html lang="en"><title>A desk</title>
<script>window.told = [];
document.addEventListener("recordingstatechange", ({{detail}}) => {{
  if (window.told.at(-1) !== detail.state) window.told.push(detail.state);
}});</script>
<script type="module" src="{tracker}/embed.js"></script>
<recording-state {attributes}></recording-state>"""


@asynccontextmanager
async def desk(
    tracker: str | Callable[[], str], **attributes: str
) -> AsyncIterator[str]:
    """The URL of a page of another origin that embeds the light of *tracker*."""
    words = " ".join(f'{name}="{value}"' for name, value in attributes.items())

    async def page(_: web.Request) -> web.Response:
        place = tracker if isinstance(tracker, str) else tracker()
        html = _DESK.format(tracker=place, attributes=words)
        return web.Response(text=html, content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", page)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
