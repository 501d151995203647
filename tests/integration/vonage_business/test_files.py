"""Audio: streamed, in parts, from the right server only."""

import tracemalloc

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tests.integration.vonage_business.site import read, settings_at, site
from tracker.domain.archive import Range
from tracker.errors import (
    NotFoundError,
    ProviderUnavailableError,
    RangeError,
)
from tracker.providers.vonage_business.archive import open_archive
from tracker.simulators.faults import FaultKind
from tracker.simulators.vonage_business import VonageBusinessOptions
from tracker.simulators.vonage_business.audio import audio_chunks

PARTS = VonageBusinessOptions(users=("7",), ranges=True)
AUDIO = "*/audio/recording/*"
MEGABYTE = 2**20


async def test_audio_is_what_was_stored() -> None:
    """With its name, its type and its size."""
    async with site() as at:
        for user in (None, "7"):
            made = at.simulator.add_recording(user=user, size_bytes=300_000)
            async with at.archive.audio(at.key(made)) as stream:
                body = await read(stream)
            assert body == b"".join(audio_chunks(made.id, 0, 300_000))
            assert (stream.status, stream.size) == (200, 300_000)
            assert (stream.file_name, stream.content_type) == (
                made.file_name,
                "audio/mpeg",
            )


async def test_two_hundred_megabytes_take_no_memory() -> None:
    """Neither here nor in the simulator, which runs in the same process."""
    size = 200 * MEGABYTE
    async with site() as at:
        made = at.simulator.add_recording(size_bytes=size)
        got = 0
        tracemalloc.start()
        try:
            async with at.archive.audio(at.key(made)) as stream:
                before, _ = tracemalloc.get_traced_memory()
                tracemalloc.reset_peak()
                async for chunk in stream.chunks:
                    got += len(chunk)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert got == size
        assert peak - before < 8 * MEGABYTE


@pytest.mark.parametrize(
    ("part", "first", "last"),
    [
        (Range(0, 99), 0, 99),
        (Range(999), 999, 999),
        (Range(500, 5_000), 500, 999),
    ],
)
async def test_a_part_can_be_asked_for(part: Range, first: int, last: int) -> None:
    """Where the platform knows parts."""
    async with site(PARTS) as at:
        made = at.simulator.add_recording(size_bytes=1_000)
        async with at.archive.audio(at.key(made), part) as stream:
            assert await read(stream) == b"".join(
                audio_chunks(made.id, first, last + 1)
            )
        assert (stream.status, stream.size) == (206, last + 1 - first)
        assert stream.content_range == f"bytes {first}-{last}/1000"


async def test_a_part_that_is_not_there() -> None:
    """The size of the whole is told."""
    async with site(PARTS) as at:
        key = at.key(at.simulator.add_recording(size_bytes=1_000))
        with pytest.raises(RangeError) as caught:
            async with at.archive.audio(key, Range(1_000)):
                pytest.fail("it opened")
        assert caught.value.size == 1_000


async def test_the_whole_comes_where_parts_are_unknown() -> None:
    """And is told from a part."""
    async with site() as at:
        key = at.key(at.simulator.add_recording(size_bytes=1_000))
        async with at.archive.audio(key, Range(10, 20)) as stream:
            assert len(await read(stream)) == 1_000
        assert (stream.status, stream.content_range) == (200, None)


async def test_audio_that_is_not_there_yet() -> None:
    """The document may be there before it."""
    async with site() as at:
        made = at.simulator.add_recording(has_audio=False)
        with pytest.raises(NotFoundError):
            async with at.archive.audio(at.key(made)):
                pytest.fail("it opened")
        at.simulator.show_audio(made.id)
        async with at.archive.audio(at.key(made)) as stream:
            assert len(await read(stream)) == made.size_bytes


async def test_a_file_that_breaks_off_is_no_file() -> None:
    """Who reads it learns that."""
    async with site() as at:
        key = at.key(at.simulator.add_recording(size_bytes=5 * MEGABYTE))
        at.fail(FaultKind.CUT, AUDIO, after=True)
        with pytest.raises(ProviderUnavailableError):
            async with at.archive.audio(key) as stream:
                await read(stream)


async def test_a_file_is_given_up_halfway() -> None:
    """And the next one comes as ever."""
    async with site() as at:
        key = at.key(at.simulator.add_recording(size_bytes=5 * MEGABYTE))
        async with at.archive.audio(key) as stream:
            assert await anext(aiter(stream.chunks))
        async with at.archive.audio(key) as stream:
            assert len(await read(stream)) == 5 * MEGABYTE


@pytest.mark.parametrize(
    "base",
    [
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "http://127.0.0.1.example:{port}",
        "http://a@b@127.0.0.1:99999",
        "//127.0.0.1:{port}",
        "ftp://127.0.0.1:{port}",
        "javascript:",
        "http://[",
    ],
)
async def test_the_token_goes_to_no_other_server(base: str) -> None:
    """Scheme, host and port have to be those of the settings."""
    async with site() as at:
        key = at.key(at.simulator.add_recording())
        port = at.settings.base_url.rpartition(":")[2]
        at.simulator.site.wire.base_url = base.format(port=port)
        with pytest.raises(ProviderUnavailableError, match="to another server"):
            async with at.archive.audio(key):
                pytest.fail("it opened")


async def test_an_address_may_name_somebody_or_be_a_path() -> None:
    """What it names beside path and query is left out."""
    async with site() as at:
        key = at.key(at.simulator.add_recording(size_bytes=10))
        own = at.settings.base_url.removeprefix("http://")
        for base in ("", f"http://asmith:1@{own}", f"HTTP://{own}"):
            at.simulator.site.wire.base_url = base
            async with at.archive.audio(key) as stream:
                assert len(await read(stream)) == 10


async def test_redirects_are_not_followed() -> None:
    """The token would go along."""
    async with site() as at:
        key = at.key(at.simulator.add_recording())
        asked: list[str] = []

        async def redirect(request: web.BaseRequest) -> web.Response:
            asked.append(request.path)
            if request.path == "/token":
                return web.json_response({"access_token": "x"})
            return web.Response(
                status=307, headers={"Location": f"{at.settings.base_url}/elsewhere"}
            )

        async with RawTestServer(redirect, host="127.0.0.1") as server:
            url = str(server.make_url("")).rstrip("/")
            async with open_archive(settings_at(at.simulator, url)) as archive:
                with pytest.raises(ProviderUnavailableError, match="HTTP 307"):
                    await archive.recording(key)
        assert len(asked) == 2
        assert not at.simulator.requests
