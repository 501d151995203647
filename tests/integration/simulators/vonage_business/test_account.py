"""A simulated account, as a plain HTTP client meets it."""

import io
import tracemalloc
import zipfile
from typing import Any

import pytest

from tests.integration.simulators.vonage_business.caller import (
    API,
    COMPANY,
    ON_DEMAND,
    PASSWORD,
    TOKEN,
    V1_API,
    Caller,
    capture,
    refresh,
)
from tracker.simulators.vonage_business import (
    VonageBusinessOptions,
    VonageBusinessSimulator,
)
from tracker.simulators.vonage_business.audio import audio_chunks

MIB = 1_048_576


def audio_of(recording_id: int, size: int) -> bytes:
    return b"".join(audio_chunks(recording_id, 0, size))


async def test_a_token_is_given_for_a_password(caller: Caller) -> None:
    """And opens the account; the answer has the documents' keys."""
    status, body = await caller.ask("POST", TOKEN, data=PASSWORD)
    assert status == 200
    assert body.keys() == capture("token").keys()
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    status, _ = await caller.ask("GET", COMPANY, headers=bearer)
    assert status == 200


async def test_nothing_is_told_without_a_token(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """Neither documents nor files; the answer has no body."""
    recording = simulator.add_recording()
    audio = f"{API}/audio/recording/{recording.id}"
    unknown = {"Authorization": "Bearer unknown"}
    for path in (COMPANY, ON_DEMAND, audio, f"{API}/bulkDownload/retrieve?jobId=1"):
        assert await caller.ask("GET", path, headers=unknown) == (401, None)
    simulator.expire_tokens()
    assert await caller.get() == (401, None)
    await caller.log_in(refresh(caller.refresh_token))
    assert (await caller.get())[0] == 200


async def test_an_account_is_the_same_below_both_bases(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """And by its own name or as `self`."""
    simulator.fill(3)
    simulator.fill(2, user="745249")
    first, mine = await caller.get(), await caller.get(ON_DEMAND)
    accounts = "/accounts/self/company_call_recordings"
    users = "/accounts/self/users/self/call_recordings"
    assert [await caller.get(base + accounts) for base in (API, V1_API)] == [first] * 2
    assert [await caller.get(base + users) for base in (API, V1_API)] == [mine] * 2
    assert (first[1]["total_items"], mine[1]["total_items"]) == (3, 2)


async def test_dates_have_to_be_encoded(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """A `+` as it is means a space to the server."""
    simulator.fill(3)
    path = f"{COMPANY}?start:gte=2019-01-01T00:00:00"
    assert await caller.ask("GET", f"{path}+0000") == (400, None)
    query = {"start:gte": "2019-01-01T00:00:00+0000"}
    assert (await caller.ask("GET", COMPANY, params=query))[1]["total_items"] == 3
    assert simulator.requests[-2].query == "start:gte=2019-01-01T00:00:00+0000"


@pytest.mark.parametrize(("path", "user"), [(COMPANY, None), (ON_DEMAND, "745249")])
async def test_a_recording_can_be_read_and_deleted(
    caller: Caller, simulator: VonageBusinessSimulator, path: str, user: str | None
) -> None:
    """Then neither document nor audio is there, and it cannot be deleted again."""
    recording = simulator.add_recording(user=user, size_bytes=1_000)
    one = f"{path}/{recording.id}"
    status, body = await caller.get(one)
    assert (status, body["id"]) == (200, recording.id)
    assert body["_links"]["self"]["href"] == caller.url + one
    audio = body["download_url"]
    assert (await caller.file(audio))[0] == 200
    assert await caller.ask("DELETE", one) == (204, None)
    assert await caller.get(one) == (404, None)
    assert await caller.ask("DELETE", one) == (404, None)
    assert (await caller.file(audio))[0] == 404


async def test_what_is_not_there_is_not_found(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """Also under another user, by another method, and at paths that nobody has."""
    mine = simulator.add_recording(user="745249").id
    others = f"{API}/accounts/549825/users/7/call_recordings"
    for path in (
        f"{COMPANY}/{mine}",
        f"{others}/{mine}",
        f"{COMPANY}/nothing",
        f"{ON_DEMAND}/jobs/nothing",
        f"{API}/accounts/549825/users/8/call_recordings",
        f"{API}/audio/recording/nothing",
        f"{API}/bulkDownload/retrieve",
        "/nothing",
    ):
        assert await caller.get(path) == (404, None)
    assert await caller.ask("PUT", f"{ON_DEMAND}/{mine}") == (404, None)
    assert await caller.get(TOKEN) == (404, None)


@pytest.mark.parametrize(
    "options", [VonageBusinessOptions(error_bodies=True, is_admin=False)]
)
async def test_errors_may_have_a_body(caller: Caller) -> None:
    """In which a 404 says 401, as that of a sister API does."""
    unknown = {"Authorization": "Bearer unknown"}
    answers = [
        await caller.get(ON_DEMAND, page="-1"),
        await caller.ask("GET", COMPANY, headers=unknown),
        await caller.get(COMPANY),
        await caller.get(f"{ON_DEMAND}/1"),
    ]
    told = [(status, body["code"]) for status, body in answers]
    assert told == [(400, 400), (401, 401), (403, 403), (404, 401)]


async def test_audio_comes_whole(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """A part that is asked for is all of it; nothing is said of parts."""
    recording = simulator.add_recording(size_bytes=300_001)
    audio = f"{API}/audio/recording/{recording.id}"
    for part in (None, "bytes=10-19", "bytes=300001-"):
        status, headers, body = await caller.file(audio, part)
        assert (status, body) == (200, audio_of(recording.id, 300_001))
        assert headers["Content-Type"] == "audio/mpeg"
        assert headers["Content-Length"] == "300001"
        assert "Accept-Ranges" not in headers


@pytest.mark.parametrize("options", [VonageBusinessOptions(ranges=True)])
async def test_a_part_of_audio_may_be_had(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """Where the option says so; behind the end there is none."""
    recording = simulator.add_recording(size_bytes=300_001)
    audio = f"{API}/audio/recording/{recording.id}"
    whole = audio_of(recording.id, 300_001)
    status, headers, body = await caller.file(audio)
    assert (status, headers["Accept-Ranges"], body) == (200, "bytes", whole)
    status, headers, body = await caller.file(audio, "bytes=262000-")
    assert (status, body) == (206, whole[262_000:])
    assert headers["Content-Range"] == "bytes 262000-300000/300001"
    assert headers["Content-Length"] == "38001"
    status, headers, body = await caller.file(audio, "bytes=300001-")
    assert (status, headers["Content-Range"], body) == (416, "bytes */300001", b"")


async def test_audio_may_come_later_than_its_document(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """Until then it is not found."""
    recording = simulator.add_recording(has_audio=False, duration_ms=1_000)
    audio = f"{API}/audio/recording/{recording.id}"
    assert (await caller.file(audio))[0] == 404
    simulator.show_audio(recording.id)
    status, _, body = await caller.file(audio)
    assert (status, body) == (200, audio_of(recording.id, 4_000))


async def test_great_audio_is_never_held_whole(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """Whatever its size, and however little of it is read."""
    recording = simulator.add_recording(size_bytes=1_000_000_000)
    path = f"{API}/audio/recording/{recording.id}"
    tracemalloc.start()
    try:
        async with caller.http.get(path) as answer:
            assert answer.content_length == 1_000_000_000
            head = await answer.content.readexactly(8 * MIB)
            answer.close()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert head == audio_of(recording.id, 8 * MIB)
    assert peak < 40 * MIB


async def export(caller: Caller, path: str, **asked: Any) -> list[str]:
    status, body = await caller.ask("POST", f"{path}/export", json=asked)
    assert status == 202
    job_ids: list[str] = body["job_ids"]
    return job_ids


@pytest.mark.parametrize(("path", "user"), [(COMPANY, None), (ON_DEMAND, "745249")])
async def test_an_export_becomes_a_zip(
    caller: Caller, simulator: VonageBusinessSimulator, path: str, user: str | None
) -> None:
    """Of what was asked for, also if it is deleted meanwhile."""
    wanted = simulator.add_recording(user=user, extensions=("200",), size_bytes=300_000)
    simulator.add_recording(user=user, extensions=("300",))
    (job_id,) = await export(caller, path, extension=200)
    simulator.delete_recording(wanted.id)
    status, job = await caller.get(f"{ON_DEMAND}/jobs/{job_id}")
    assert (status, job["status"], job["files_completed"]) == (200, "complete", 1)
    assert job.keys() == capture("job").keys()
    status, headers, body = await caller.file(job["download_url"])
    assert (status, headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.namelist() == [wanted.file_name]
        assert archive.read(wanted.file_name) == audio_of(wanted.id, 300_000)
    other_name = f"{V1_API}/bulkDownload/retrieve?job_id={job_id}"
    assert (await caller.file(other_name))[2] == body


async def test_jobs_are_listed_until_forgotten(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """By status, page by page; an expired one cannot be downloaded."""
    (failed,), (done,) = await export(caller, COMPANY), await export(caller, COMPANY)
    simulator.site.jobs.get(done)
    simulator.expire_job(done)
    simulator.forget_job(failed)
    status, page = await caller.get(f"{ON_DEMAND}/jobs", status="complete")
    assert (status, [job["id"] for job in page["_embedded"]["jobs"]]) == (200, [done])
    assert page.keys() == capture("jobs").keys()
    _, none = await caller.get(f"{ON_DEMAND}/jobs", status="failed", page_size="5")
    assert (none["_embedded"]["jobs"], none["total_pages"]) == ([], 0)
    assert (await caller.get(f"{ON_DEMAND}/jobs/{failed}"))[0] == 404
    url = f"{API}/bulkDownload/retrieve?jobId={done}"
    assert (await caller.file(url))[0] == 404


async def test_a_hundred_thousand_are_paged(
    caller: Caller, simulator: VonageBusinessSimulator
) -> None:
    """All, each once, with and without a filter."""
    simulator.fill(100_000)
    seen = set[int]()
    for page in range(1, 101):
        seen.update(await caller.ids(page=str(page), page_size="1000"))
    assert len(seen) == 100_000
    query = {"caller_id": "17325550100", "page_size": "1000"}
    found = await caller.ids(**query)
    assert 0 < len(found) < 100
    assert await caller.ids(**query, order="start:ASC") == found[::-1]
