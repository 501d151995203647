"""The dashboard's files: public, of this server only, and loadable by other pages."""

import re

import pytest
from aiohttp import ClientSession

from tests.integration.http.site import Site
from tracker.outlets.dashboard import PATHS

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


async def test_a_browser_gets_the_dashboard_and_a_program_the_index(
    guarded: Site, session: ClientSession
) -> None:
    """At the same address, which caches are told of; neither needs a token."""
    async with session.get(guarded.url, headers=HTML) as page:
        assert (page.status, page.content_type) == (200, "text/html")
        assert "Accept" in page.headers["Vary"].split(", ")
    async with session.get(guarded.url) as index:
        assert (await index.json())["calls"] == "/v1/calls"
        assert "Accept" in index.headers["Vary"].split(", ")


@pytest.mark.parametrize("path", ["/", "/desktop"])
async def test_a_page_runs_and_asks_nothing_from_elsewhere(
    guarded: Site, session: ClientSession, path: str
) -> None:
    """By its policy, and by what is in it: no script or style of its own."""
    async with session.get(guarded.url + path, headers=HTML) as page:
        policy = page.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= {
            *policy
        }
        assert not any("unsafe" in rule or "http" in rule for rule in policy)
        html = await page.text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=\"\./)", html)
    assert "//" not in re.sub(r"https?://www\.w3\.org\S*", "", html)


@pytest.mark.parametrize("path", PATHS)
async def test_a_file_is_asked_for_anew_and_sent_once(
    guarded: Site, session: ClientSession, path: str
) -> None:
    """Modules, also to a page from elsewhere."""
    async with session.get(guarded.url + path) as first:
        assert (first.status, first.headers["Cache-Control"]) == (200, "no-cache")
        assert first.headers["X-Content-Type-Options"] == "nosniff"
        assert await first.read()
        tag = first.headers["ETag"]
        may_embed = first.headers.get("Access-Control-Allow-Origin") == "*"
        assert may_embed == (first.content_type != "text/html")
    async with session.get(guarded.url + path, headers={"If-None-Match": tag}) as again:
        assert (again.status, await again.read()) == (304, b"")
        assert again.headers["ETag"] == tag
    async with session.get(
        guarded.url + path, headers={"If-None-Match": '"another"'}
    ) as other:
        assert other.status == 200


async def test_only_these_files_are_served(
    guarded: Site, session: ClientSession
) -> None:
    """There is no way from a name to another file."""
    for path in ("/index.html", "/dashboard/", "/dashboard/..%2fstatic.py", "/widget"):
        async with session.get(guarded.url + path) as answer:
            assert answer.status == 404
