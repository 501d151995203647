"""A call's stored recordings are listened to on its page."""

import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser

from tests.browser.screen import expect, opened
from tests.integration.http.site import JWT, call, serving
from tests.unit.outlets.shelf import Shelf
from tracker.domain.archive import Range, Stream

pytestmark = pytest.mark.asyncio(loop_scope="session")


def silence(seconds: int) -> bytes:
    """A WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(8000)
        written.writeframes(bytes(16_000 * seconds))
    return file.getvalue()


class Tape(Shelf):
    """Whose audio can be played."""

    @asynccontextmanager
    async def audio(self, key: str, part: Range | None = None) -> AsyncIterator[Stream]:
        assert part is None
        assert key in self.held

        async def chunks() -> AsyncIterator[bytes]:
            yield silence(2)

        yield Stream(chunks(), "audio/wav")


async def test_a_recording_is_played_with_the_token(chromium: Browser) -> None:
    """The player gets bytes that the page has fetched, for it can show no token."""
    tape = Tape("acme")
    key = tape.put(1, duration_ms=2000, audio="ready", file_name="call-1.wav")
    async with serving(JWT, archives=[tape]) as site:
        shown = call("c1").model_copy(update={"media": (key,)})
        site.show(shown, "call.started")
        token = site.token("calls:read recordings:read")
        address = f"{site.url}/#/calls/{shown.key}"
        async with opened(chromium, address, token) as screen:
            page = screen.page
            await expect(page.locator(".media .name")).to_have_text("call-1.wav")
            await page.get_by_role("button", name="Listen").click()
            await page.wait_for_function(
                "() => document.querySelector('audio')?.duration === 2"
            )
