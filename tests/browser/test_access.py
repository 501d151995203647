"""What a page shows depends on its token; and tokens end."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page

from tests.browser.screen import desk, expect, opened
from tests.integration.http.site import JWT, Site, call, serving, source
from tracker.outlets.auth import LEEWAY_S, Limits, mint

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCOPES = ("calls:read", "sources:read")


def short_token(site: Site, lasts_s: float) -> str:
    """One that is good for *lasts_s*, with what is forgiven to clocks."""
    expires_at = datetime.now(UTC) + timedelta(seconds=lasts_s - LEEWAY_S)
    return mint(site.auth, "jdoe", SCOPES, Limits(), expires_at)


async def paste(page: Page, token: str) -> None:
    """Into the question that is shown."""
    field = page.get_by_label("Paste your access token")
    await field.fill(token)
    await field.press("Enter")


async def test_without_a_token_nothing_is_shown(chromium: Browser) -> None:
    """The page asks for one, and keeps it for its tab; it is in no address."""
    async with (
        serving(JWT, live_grace_s=60) as site,
        opened(chromium, site.url) as screen,
    ):
        site.show(call(), "call.started")
        page, asked = screen.page, []
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        await paste(page, "nonsense")
        await expect(page.locator("dialog .bad")).to_have_text(
            "the access token is not valid"
        )
        buttons = page.get_by_role("dialog").get_by_role("button")
        await expect(buttons).to_have_text(["Cancel", "Use it"])  # nobody is signed in
        token = site.token()
        await paste(page, token)
        await screen.until_states("Recording")
        await expect(page.locator("[data-action]:visible")).to_have_count(0)
        await page.reload()
        await screen.until_states("Recording")
        assert asked
        assert not any(token in url for url in asked)
        await page.get_by_role("button", name="Access token").click()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.locator("#connection")).to_have_text("Signed out")
        await screen.until_states()


async def test_a_token_shows_what_it_is_for(chromium: Browser) -> None:
    """Another agent's call is not in the table, and its page says it is not there."""
    async with serving(JWT, live_grace_s=60) as site:
        site.show(call("c1"), "call.started")
        site.show(call("c2", agents=["mroe"]), "call.started")
        token = site.token("calls:read", agents=["jdoe"])
        async with opened(chromium, site.url, token) as screen:
            await screen.until_states("Recording")
            assert [row["agents"] for row in await screen.rows()] == ["jdoe"]
            site.show(call("c2", "paused", agents=["mroe"], version=2), "call.changed")
            site.show(call("c1", "paused", version=2), "recording.paused")
            await screen.until_states("Paused")
            await screen.page.goto(f"{site.url}/#/calls/genesys/acme/c2")
            await expect(screen.page.locator(".view .muted").first).to_have_text(
                "There is no such call, or it is not for this access token."
            )


async def test_a_view_needs_its_scope(chromium: Browser) -> None:
    """It is no tab without; who comes by its address reads why, and no number."""
    async with serving(JWT, live_grace_s=60) as site:
        site.show(source(), "source.up")
        address = f"{site.url}/#/platforms"
        async with opened(chromium, address, site.token("calls:read")) as screen:
            page, tabs = screen.page, screen.page.locator("#tabs a:visible")
            await expect(page.locator(".view .empty")).to_contain_text("sources:read")
            await expect(tabs).to_have_text(["Calls"])
            await expect(page.locator(".view .fields")).to_be_hidden()
            await page.get_by_role("button", name="Access token").click()
            await paste(page, site.token("calls:read sources:read"))
            await expect(tabs).to_have_text(["Calls", "Platforms"])
            await expect(page.locator(".view .fields")).to_contain_text("1 of 1 feeds")


async def test_an_expired_token_is_asked_for_anew(chromium: Browser) -> None:
    """What was shown is greyed meanwhile."""
    async with serving(JWT, live_grace_s=60) as site:
        site.show(call(), "call.started")
        token = short_token(site, 5)
        async with opened(chromium, site.url, token) as screen:
            await screen.until_states("Recording")
            await expect(screen.page.locator("dialog .bad")).to_have_text(
                "the access token has expired"
            )
            await expect(screen.page.locator(".view")).to_have_class("view calls stale")
            await paste(screen.page, short_token(site, 300))
            await screen.until_states("Recording")


async def test_a_token_is_renewed_without_a_gap(chromium: Browser) -> None:
    """By the callback, on the open socket."""
    place = ""
    async with (
        desk(lambda: place, agent="jdoe") as url,
        serving(JWT, live_grace_s=60, origins=(url.rstrip("/"),)) as site,
    ):
        place = site.url
        site.show(call(), "call.started")
        minted, expired = 0, asyncio.Event()

        def mint_one() -> str:
            nonlocal minted
            minted += 1
            return short_token(site, 4 if minted == 1 else 300)

        async with opened(chromium, url) as screen:
            await screen.until_light("Unknown")
            await screen.page.expose_function("mint", mint_one)
            asyncio.get_running_loop().call_later(9.5, expired.set)
            await screen.page.evaluate(
                "() => void (document.querySelector('recording-state').token = mint)"
            )
            await screen.until_light("Recording")
            sockets = screen.sockets
            await expired.wait()  # and the server has looked for it
            site.show(call("c1", "paused", version=2), "recording.paused")
            await screen.until_light("Paused")
            assert (minted, screen.sockets) == (2, sockets)
