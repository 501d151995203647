"""The simulator's answers have the shape of the captures, and say no more."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tracker.simulators.vonage_business import (
    Details,
    Job,
    VonageBusinessOptions,
    VonageBusinessSimulator,
)
from tracker.simulators.vonage_business.listing import Page
from tracker.simulators.vonage_business.paths import Place, find_place
from tracker.simulators.vonage_business.wire import RefusedError

CAPTURES = Path(__file__).parents[2] / "captures" / "vonage_business"
USER = "745249"
COMPANY = Place("recordings", "549825")
ON_DEMAND = Place("recordings", "549825", USER)
NEW_YEAR = datetime(2019, 1, 1, tzinfo=UTC)
AS_PRINTED: Details = {
    "id": 193228,
    "call_direction": "INBOUND",
    "call_id": "c91150a6-8cc4-4e73-9fef-17fd925c6448",
    "caller_id": "17325550100",
    "cnam": "jdoe",
    "dnis": "17325550100",
    "extensions": ("999",),
    "duration_ms": 60_000,
    "start_at": NEW_YEAR,
    "end_at": NEW_YEAR,
    "size_bytes": 100_000,
    "file_name": "730048.11826465111463122315701."
    "95a7584be856e34a582025d420c20d9d.1463122442148.mp3",
    "rule_ids": (1989, 2012, 449),
}
BASES = ("/t/vbc.prod/call_recording/api", "/t/vbc.prod/call_recording/v1/api")


def capture(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())


def as_printed(user: str | None) -> Details:
    details = AS_PRINTED.copy()
    details["user"] = user
    return details


def make(**options: Any) -> VonageBusinessSimulator:
    simulator = VonageBusinessSimulator(VonageBusinessOptions(**options))
    simulator.site.wire.base_url = "https://api.vonage.com"
    return simulator


@pytest.fixture
def printed() -> VonageBusinessSimulator:
    return make(types="examples", links="as_printed")


@pytest.mark.parametrize(
    ("kind", "place"), [("company", COMPANY), ("on-demand", ON_DEMAND)]
)
def test_recordings_are_the_documents(
    printed: VonageBusinessSimulator, kind: str, place: Place
) -> None:
    """To the letter, listed and one by one."""
    printed.add_recording(**as_printed(place.user))
    rest = printed.site.rest
    assert rest.recordings(place, {"page_size": "1"}) == (
        200,
        capture(f"{kind}-recordings"),
    )
    one = place._replace(kind="recording", name="193228")
    assert rest.recording(one) == (200, capture(f"{kind}-recording"))


def test_jobs_are_the_documents(printed: VonageBusinessSimulator) -> None:
    """To the letter."""
    shown = capture("job")
    job = Job(
        id=shown["id"],
        link_id="5e667ef2-2860-4471-8813-320980a55c20",
        user=USER,
        recordings=tuple(printed.add_recording() for _ in range(10)),
        began_s=0,
        completed=1,
        status="complete",
        valid_until_s=NEW_YEAR.timestamp(),
    )
    wire = printed.site.wire
    assert wire.job(job) == shown
    assert wire.jobs_page(USER, [job], Page(1, 1)) == capture("jobs")


@pytest.mark.parametrize(
    ("kind", "place"), [("company", COMPANY), ("on-demand", ON_DEMAND)]
)
def test_the_documents_exports_are_accepted(
    printed: VonageBusinessSimulator, kind: str, place: Place
) -> None:
    """And export what they ask for; company jobs are the asker's."""
    printed.add_recording(**as_printed(place.user))
    printed.fill(3, user=place.user)
    body = json.dumps(capture(f"{kind}-export")).encode()
    status, answer = printed.site.rest.export(place, body)
    assert status == 202
    assert answer
    assert answer.keys() == capture(f"{kind}-exported").keys()
    job = printed.site.jobs.get(answer["job_ids"][0])
    assert job
    assert job.user == USER
    assert [recording.id for recording in job.recordings] == [193228]


@pytest.mark.parametrize("types", ["examples", "schema", "seeded"])
def test_types_are_mixed(types: Any) -> None:
    """Numbers as the examples, strings as the schema, or for each any of the two."""
    simulator = make(types=types)
    simulator.fill(50)
    _, page = simulator.site.rest.recordings(COMPANY, {"page_size": "50"})
    assert page
    shown = page["_embedded"]["recordings"]
    kinds = {(type(it["caller_id"]), type(it["extensions"][0])) for it in shown}
    every = {(int, int), (int, str), (str, int), (str, str)}
    assert kinds == {"examples": {(int, int)}, "schema": {(str, str)}}.get(types, every)


@pytest.mark.parametrize("number", ["anonymous", "+17325550100", "0101", ""])
def test_what_a_number_cannot_say_stays_text(number: str) -> None:
    simulator = make(types="examples")
    recording = simulator.add_recording(caller_id=number, extensions=(number,))
    said = simulator.site.wire.recording(recording)
    assert (said["caller_id"], said["extensions"]) == (number, [number])


def test_links_count_pages_from_zero() -> None:
    """All on every page, so that who follows them never gets on."""
    simulator = make()
    simulator.fill(25)
    for number, wanted in ((1, (0, 0, 0, 1, 2)), (3, (0, 1, 2, 2, 2))):
        _, page = simulator.site.rest.recordings(COMPANY, {"page": str(number)})
        assert page
        links = page["_links"]
        pages = [link["href"].partition("?page=")[2] for link in links.values()]
        assert list(links) == ["first", "prev", "self", "next", "last"]
        assert pages == [str(it) for it in wanted]
        numbers = [page[key] for key in ("page", "total_items", "total_pages")]
        assert numbers == [number, 25, 3]


def test_jobs_under_way_have_no_result_to_show() -> None:
    """Neither address nor date."""
    simulator = make(job_file_s="never")
    simulator.fill(2)
    simulator.site.rest.export(COMPANY, b"")
    _, page = simulator.site.rest.jobs(ON_DEMAND, {})
    assert page
    (said,) = page["_embedded"]["jobs"]
    assert capture("job").keys() - said.keys() == {"download_url", "valid_until"}
    assert (said["files_completed"], said["files_total"]) == (0, 2)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/accounts/1/company_call_recordings", Place("recordings", "1")),
        ("/accounts/1/company_call_recordings/7", Place("recording", "1", None, "7")),
        ("/accounts/self/company_call_recordings/export", Place("export", "self")),
        ("/accounts/1/users/2/call_recordings", Place("recordings", "1", "2")),
        ("/accounts/1/users/self/call_recordings/export", Place("export", "1", "self")),
        ("/accounts/1/users/2/call_recordings/7", Place("recording", "1", "2", "7")),
        ("/accounts/1/users/2/call_recordings/jobs", Place("jobs", "1", "2")),
        ("/accounts/1/users/2/call_recordings/jobs/a", Place("job", "1", "2", "a")),
        ("/audio/recording/7", Place("audio", name="7")),
        ("/bulkDownload/retrieve", Place("zip")),
        ("/accounts/1/company_call_recordings/7/more", None),
        ("/accounts/1/users/2/recordings", None),
        ("/audio/recording/", None),
    ],
)
def test_paths_are_the_same_below_both_bases(
    base: str, path: str, place: Place | None
) -> None:
    assert find_place(base + path) == place
    assert find_place(path) is None


def refusal_of(simulator: VonageBusinessSimulator, place: Place, **query: str) -> int:
    with pytest.raises(RefusedError) as refused:
        simulator.site.rest.recordings(place, query)
    return refused.value.status


def test_others_business_is_refused() -> None:
    """Another account's; and the company's and others', unless one administers it."""
    plain, admin = make(users=("7",), is_admin=False), make(users=("7",))
    other = Place("recordings", "self", "7")
    mine = Place("recordings", "self", "self")
    assert refusal_of(admin, COMPANY._replace(account="1")) == 403
    assert [refusal_of(plain, it) for it in (COMPANY, other)] == [403, 403]
    assert refusal_of(admin, other._replace(user="8")) == 404
    assert plain.site.rest.recordings(mine, {}).status == 200
    assert admin.site.rest.recordings(other, {}).status == 200


def test_others_files_are_refused() -> None:
    """To who is no administrator; one's own are given."""
    plain = make(users=("7",), is_admin=False, job_file_s=0)
    rest, jobs = plain.site.rest, plain.site.jobs
    for user, mine in ((None, False), ("7", False), (USER, True)):
        recording = plain.add_recording(user=user)
        (job,) = jobs.begin(user or "7", [recording])
        place = Place("audio", name=str(recording.id))
        if mine:
            assert rest.audio(place) is recording
            assert rest.result({"jobId": job.id}) is job
            continue
        with pytest.raises(RefusedError, match="403"):
            rest.audio(place)
        with pytest.raises(RefusedError, match="403"):
            rest.result({"jobId": job.id})


@pytest.mark.parametrize(
    "query",
    [
        {"page": "-1"},
        {"page": "one"},
        {"page_size": "0"},
        {"order": "mood:DESC"},
        {"order": "start:DOWN"},
        {"call_direction": "SIDEWAYS"},
        {"duration:gte": "long"},
        {"start:gte": "2019-01-01T00:00:00 0000"},
        {"start:lte": "2019-01-01T00:00:00+00:00"},
        {"start:lte": "2019-13-01T00:00:00+0000"},
        {"start:gte": "yesterday"},
    ],
)
def test_what_cannot_be_read_is_a_bad_request(query: dict[str, str]) -> None:
    assert refusal_of(make(), COMPANY, **query) == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"extension":[9]}', b"\xff"])
def test_exports_that_cannot_be_read_are_bad_requests(body: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        make().site.rest.export(COMPANY, body)
    assert refused.value.status == 400
