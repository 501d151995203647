"""Audio and exports: streamed, in parts, from the right server only."""

import hashlib
import tracemalloc
import zipfile
from io import BytesIO

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tests.integration.vonage_business.site import Site, settings_at, site
from tracker.domain.archive import MediaQuery, Range, Stream
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderUnavailableError,
    RangeError,
)
from tracker.providers.vonage_business.archive import open_archive
from tracker.simulators.faults import FaultKind
from tracker.simulators.vonage_business import Job, VonageBusinessOptions
from tracker.simulators.vonage_business.audio import audio_chunks

PARTS = VonageBusinessOptions(users=("7",), ranges=True)
AUDIO = "*/audio/recording/*"
MEGABYTE = 2**20


async def read(stream: Stream) -> bytes:
    return b"".join([chunk async for chunk in stream.chunks])


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


async def test_an_export_is_one_request_for_each_shelf() -> None:
    """Its zips hold what matches, and its key finds it again."""
    async with site() as at:
        made = [
            at.simulator.add_recording(user=user, extensions=("5",), size_bytes=100)
            for user in (None, "7", None)
        ]
        at.simulator.add_recording(extensions=("6",))
        begun = await at.archive.export(MediaQuery(agent="5"))
        assert (begun.state, len(begun.jobs)) == ("running", 3)
        done = await at.archive.export_job(begun.key)
        assert (done.key, done.state) == (begun.key, "completed")
        names: list[str] = []
        for job in done.jobs:
            async with at.archive.download(done.key, job.id) as stream:
                body = await read(stream)
            assert stream.file_name == f"{job.id}.zip"
            names += zipfile.ZipFile(BytesIO(body)).namelist()
        assert sorted(names) == sorted(it.file_name for it in made)
        with pytest.raises(CommandRefusedError, match="name one"):
            async with at.archive.download(done.key):
                pytest.fail("it opened")
        with pytest.raises(NotFoundError):
            async with at.archive.download(done.key, "another"):
                pytest.fail("it opened")


async def test_an_export_takes_no_more_than_was_asked_for() -> None:
    """Every filter is sent along."""
    query = {
        "kind": "company",
        "call": "c9",
        "caller_id": "17325550100",
        "cnam": "OFFICE",
        "dnis": "1",
        "direction": "inbound",
        "min_duration_ms": 1,
        "max_duration_ms": 60_000,
    }
    async with site() as at:
        made = at.simulator.add_recording(
            call_id="c9",
            caller_id="17325550100",
            cnam="OFFICE",
            dnis="1",
            call_direction="INBOUND",
            duration_ms=60_000,
        )
        at.simulator.fill(5)
        start = (await at.archive.recording(at.key(made))).started_at
        asked = MediaQuery.model_validate({**query, "from_at": start, "to_at": start})
        begun = await at.archive.export(asked)
        done = await at.archive.export_job(begun.key)
        assert [job.files_total for job in done.jobs] == [1]
        async with at.archive.download(done.key) as stream:
            digest = hashlib.sha256(await read(stream)).digest()
        async with at.archive.download(done.key, done.jobs[0].id) as stream:
            assert hashlib.sha256(await read(stream)).digest() == digest


async def test_jobs_go_on_fail_and_expire() -> None:
    """An export is as its jobs are together."""
    options = VonageBusinessOptions(job_file_s="never", files_per_job=2)
    async with site(options) as at:
        at.simulator.fill(4)
        begun = await at.archive.export(MediaQuery(kind="company"))
        one, two = (job.id for job in begun.jobs)

        async def state() -> str:
            return (await at.archive.export_job(begun.key)).state

        at.simulator.advance_job(one)
        assert (await at.archive.export_job(begun.key)).jobs[0].files_completed == 1
        with pytest.raises(CommandRefusedError, match="is running"):
            async with at.archive.download(begun.key, one):
                pytest.fail("it opened")
        at.simulator.complete_job(one)
        assert await state() == "running"
        at.simulator.complete_job(two)
        assert await state() == "completed"
        at.simulator.expire_job(one)
        assert await state() == "expired"
        with pytest.raises(NotFoundError, match="gone"):
            async with at.archive.download(begun.key, one):
                pytest.fail("it opened")


async def test_all_jobs_are_listed_once() -> None:
    """Whoever they are found under; a user who is not there hides none."""
    options = VonageBusinessOptions(users=("7",), job_file_s="never")
    async with site(options, users=("self", "745249", "7", "77")) as at:
        at.simulator.fill(1)
        company = MediaQuery(kind="company")
        begun = [await at.archive.export(company) for _ in range(120)]
        assert len((await at.archive.export(MediaQuery(kind="on_demand"))).jobs) == 3
        theirs = [job.id for job in _jobs(at, "7")]
        at.simulator.fail_job(theirs[0], "has errors")
        listed = await at.archive.export_jobs()
        ids = [job.id for it in listed for job in it.jobs]
        every = [job.id for user in ("745249", "7") for job in _jobs(at, user)]
        assert sorted(ids) == sorted(every)
        assert {job.id for it in begun for job in it.jobs} < set(ids)
        assert [it.state for it in listed].count("failed") == 1
        for shown in listed[-3:]:
            assert await at.archive.export_job(shown.key) == shown


def _jobs(at: Site, user: str) -> list[Job]:
    return at.simulator.site.jobs.all_of(user)


async def test_a_user_who_is_gone_keeps_nothing_from_being_exported() -> None:
    """Unless there is nothing else to export."""
    async with site(users=("77", "7")) as at:
        begun = await at.archive.export(MediaQuery())
        assert len(begun.jobs) == 2
        assert (await at.archive.export_job(begun.key)).key == begun.key
    async with site(users=("77",)) as at:
        with pytest.raises(NotFoundError):
            await at.archive.export(MediaQuery(kind="on_demand"))


async def test_an_export_that_breaks_off_says_what_has_begun() -> None:
    """So that it can be found, and the rest be asked for."""
    async with site() as at:
        at.fail(FaultKind.STATUS, "*/users/8/*", status=503, retry_after_s=7)
        with pytest.raises(ProviderUnavailableError) as caught:
            await at.archive.export(MediaQuery())
        assert caught.value.retry_after_s == 7
        key = str(caught.value).rpartition(" ")[2]
        assert len((await at.archive.export_job(key)).jobs) == 2


async def test_an_export_that_nothing_can_match_is_refused() -> None:
    """It would be empty for ever; and one that is unknown is not found."""
    async with site() as at:
        with pytest.raises(CommandRefusedError, match="no such recordings"):
            await at.archive.export(MediaQuery(kind="kazoo"))
        with pytest.raises(NotFoundError):
            await at.archive.export_job("vonage_business/549825/company%3Aabc")
