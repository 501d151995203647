import json
from datetime import UTC, datetime

import pytest

from tests.unit.providers.vonage_business.captures import capture, changed, settings
from tracker.domain.archive import JobState, MediaQuery, MediaSnapshot
from tracker.errors import NotFoundError
from tracker.providers.vonage_business.cursor import Mark, read_cursor, write_cursor
from tracker.providers.vonage_business.normalise import (
    OwnedJob,
    export,
    job_state,
    media,
)
from tracker.providers.vonage_business.places import (
    Place,
    Shelf,
    export_key,
    jobs_at,
    recording_at,
    recording_key,
)
from tracker.providers.vonage_business.query import bounds, date, filters
from tracker.providers.vonage_business.wire import (
    Job,
    Recording,
    parse_job,
    parse_recording,
)

NEW_YEAR = datetime(2019, 1, 1, tzinfo=UTC)
EVE = datetime(2018, 12, 31, tzinfo=UTC)
THEIRS = Shelf("745249")


def shown(display: str = "full", **fields: object) -> MediaSnapshot:
    read = parse_recording(changed("company-recording", **fields))
    assert isinstance(read, Recording)
    return media(read, Shelf(), settings(numbers=display))


def test_a_captured_company_recording() -> None:
    """In tracker's words, nothing left out."""
    assert shown().model_dump() == {
        "key": "vonage_business/549825/company%3A193228",
        "provider": "vonage_business",
        "account": "549825",
        "kind": "company",
        "call_key": "vonage_business/549825/c91150a6-8cc4-4e73-9fef-17fd925c6448",
        "call_id": "c91150a6-8cc4-4e73-9fef-17fd925c6448",
        "direction": "inbound",
        "caller_id": "17325550100",
        "cnam": "jdoe",
        "dnis": "17325550100",
        "extensions": ("999",),
        "user": None,
        "started_at": NEW_YEAR,
        "ended_at": NEW_YEAR,
        "duration_ms": 60_000,
        "size_bytes": 100_000,
        "file_name": (
            "730048.11826465111463122315701."
            "95a7584be856e34a582025d420c20d9d.1463122442148.mp3"
        ),
        "rule_ids": ("1989", "2012", "449"),
        "origin": None,
        "audio": "ready",
        "version": 1,
    }


def test_a_captured_on_demand_recording() -> None:
    """It is somebody's."""
    read = parse_recording(capture("on-demand-recording"))
    assert isinstance(read, Recording)
    snapshot = media(read, THEIRS, settings())
    assert snapshot.key == "vonage_business/549825/on_demand%3A745249%3A193228"
    assert (snapshot.kind, snapshot.user) == ("on_demand", "745249")
    assert snapshot.rule_ids == ()


@pytest.mark.parametrize(
    ("display", "number", "name"),
    [("full", "17325550100", "+1 (732) 555-0100"), ("last4", "…0100", "…0100")],
)
def test_numbers_are_shown_as_far_as_wanted(
    display: str, number: str, name: str
) -> None:
    """Also where a number stands for a name."""
    snapshot = shown(display, cnam="+1 (732) 555-0100")
    assert (snapshot.caller_id, snapshot.dnis) == (number, number)
    assert snapshot.cnam == name
    assert shown("none", cnam="17325550100").cnam is None
    assert shown("none").caller_id is None


@pytest.mark.parametrize(
    ("direction", "known"),
    [("OUTBOUND", "outbound"), ("intra_pbx", "internal"), ("UP", None), (None, None)],
)
def test_directions(direction: str | None, known: str | None) -> None:
    """In any case; what is unknown is not said."""
    assert shown(call_direction=direction).direction == known


def test_a_recording_may_have_no_call_and_no_audio_yet() -> None:
    """That is said."""
    snapshot = shown(call_id=None, download_url=None)
    assert (snapshot.call_key, snapshot.call_id) == (None, None)
    assert snapshot.audio == "pending"


@pytest.mark.parametrize(
    ("status", "until", "state"),
    [
        ("complete", None, "completed"),
        ("COMPLETED", NEW_YEAR, "completed"),
        ("complete", EVE, "expired"),
        ("expired", None, "expired"),
        ("incomplete", None, "running"),
        ("in_progress", None, "running"),
        (None, None, "running"),
        ("FAILED", EVE, "failed"),
        ("has errors", None, "failed"),
        ("cancelled", None, "failed"),
    ],
)
def test_states_of_jobs(
    status: str | None, until: datetime | None, state: JobState
) -> None:
    """Of a status, only `complete` is documented."""
    job = Job(id="1", status=status, valid_until=until)
    assert job_state(job, EVE) == state


def test_a_captured_job() -> None:
    """It is complete with 1 of 10 files, and its end was long ago."""
    job = parse_job(capture("job"))
    assert isinstance(job, Job)
    owned = OwnedJob(Place(THEIRS, job.id), job)
    before, after = (
        export([owned], settings(), EVE),
        export([owned], settings(), NEW_YEAR),
    )
    assert (before.state, after.state) == ("completed", "expired")
    assert (before.jobs[0].files_completed, before.jobs[0].files_total) == (1, 10)
    assert before.key == f"vonage_business/549825/on_demand%3A745249%3A{job.id}"


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (["complete", "complete"], "completed"),
        (["complete", "x"], "running"),
        (["failed", "x"], "failed"),
        (["expired", "complete"], "expired"),
    ],
)
def test_an_export_is_as_its_jobs_are(statuses: list[str], state: JobState) -> None:
    """Failed when one is, completed when all are."""
    jobs = [
        OwnedJob(Place(Shelf(), str(number)), Job(id=str(number), status=status))
        for number, status in enumerate(statuses)
    ]
    assert export(jobs, settings(), EVE).state == state


@pytest.mark.parametrize("name", ["company-export", "on-demand-export"])
def test_a_captured_export_is_what_is_asked_for(name: str) -> None:
    """By the names of the documents; numbers are written as texts, as their schema."""
    query = MediaQuery(
        call="c91150a6-8cc4-4e73-9fef-17fd925c6448",
        agent="999",
        direction="inbound",
        caller_id="17325550100",
        cnam="jdoe",
        dnis="17325550100",
        from_at=NEW_YEAR,
        to_at=NEW_YEAR,
        min_duration_ms=60_000,
        max_duration_ms=60_000,
    )
    asked = filters(query, Shelf()) | bounds(query.from_at, query.to_at)
    seen = json.loads(capture(name))
    assert {k: str(v) for k, v in asked.items()} == {k: str(v) for k, v in seen.items()}


def test_an_agent_is_a_user_or_an_extension() -> None:
    """On the user's own shelf everything is theirs."""
    query = MediaQuery(agent="745249")
    assert filters(query, THEIRS) == {}
    assert filters(query, Shelf()) == {"extension": "745249"}


def test_bounds_hold_at_least_what_is_asked_for() -> None:
    """They are to the second, and in UTC."""
    at = datetime.fromisoformat("2019-01-01T01:00:00.5+01:00")
    assert bounds(at, at) == {
        "start:gte": "2019-01-01T00:00:00+0000",
        "start:lte": "2019-01-01T00:00:01+0000",
    }
    assert date(NEW_YEAR) == "2019-01-01T00:00:00+0000"


def test_keys_are_found_again() -> None:
    """Also of users and ids with odd letters."""
    odd = Shelf("a:b/c,d")
    told = settings(users=(odd.user,))
    places = [Place(Shelf(), "1"), Place(odd, "x-2")]
    for place in places:
        assert recording_at(told, recording_key(told, place)) == place
    assert jobs_at(told, export_key(told, places)) == places
    with pytest.raises(NotFoundError):
        recording_at(settings(), recording_key(told, places[1]))


def test_a_cursor_is_text() -> None:
    """That means the same afterwards."""
    mark = Mark(NEW_YEAR, "company:1")
    text = write_cursor(mark, "start:asc")
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()
    assert read_cursor(text, "start:asc") == mark
    with pytest.raises(ValueError, match="another order"):
        read_cursor(text, "start:desc")
