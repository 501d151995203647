"""An account's recordings: which are found, in what order; and its jobs."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from tracker.simulators.vonage_business import (
    Job,
    VonageBusinessOptions,
    VonageBusinessSimulator,
)
from tracker.simulators.vonage_business.paths import Place
from tracker.simulators.vonage_business.traffic import RandomTraffic

COMPANY = Place("recordings", "549825")
ID_ORDER = {"order": "id:ASC", "page_size": "1000"}


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make(clock: Clock, **options: Any) -> VonageBusinessSimulator:
    return VonageBusinessSimulator(VonageBusinessOptions(**options), clock)


def ids(simulator: VonageBusinessSimulator, **query: str) -> list[int]:
    reply = simulator.site.rest.recordings(COMPANY, query)
    assert reply.body
    return [shown["id"] for shown in reply.body["_embedded"]["recordings"]]


@pytest.fixture
def simulator(clock: Clock) -> VonageBusinessSimulator:
    """Three recordings: one a day, from the first of January on."""
    simulator = make(clock)
    lengths = {1: 30_000, 2: 10_000, 3: 20_000}
    for number, direction in enumerate(("INBOUND", "OUTBOUND", "INTRA_PBX"), 1):
        simulator.add_recording(
            id=number,
            call_direction=direction,
            call_id=f"call-{number}",
            caller_id=f"1555{number}",
            cnam=f"agent {number}",
            dnis=f"1666{number}",
            extensions=("100", str(200 + number)),
            duration_ms=lengths[number],
            start_at=datetime(2019, 1, number, tzinfo=UTC),
        )
    return simulator


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [3, 2, 1]),
        ({"call_direction": "OUTBOUND"}, [2]),
        ({"call_id": "call-3"}, [3]),
        ({"caller_id": "15551"}, [1]),
        ({"cnam": "agent 2"}, [2]),
        ({"dnis": "16663"}, [3]),
        ({"dnis": "1666"}, []),
        ({"extension": "100"}, [3, 2, 1]),
        ({"extension": "202"}, [2]),
        ({"duration:gte": "20000"}, [3, 1]),
        ({"duration:lte": "20000"}, [3, 2]),
        ({"duration:gte": "10001", "duration:lte": "29999"}, [3]),
        ({"start:gte": "2019-01-02T00:00:00+0000"}, [3, 2]),
        ({"start:gte": "2019-01-02T00:00:01+0000"}, [3]),
        ({"start:lte": "2019-01-02T00:00:00+0000"}, [2, 1]),
        ({"start:lte": "2019-01-02T02:00:00+0200"}, [2, 1]),
        ({"start:lte": "2019-01-01T23:59:59Z", "order": "start:ASC"}, [1]),
        ({"start:gte": "2020-01-01T00:00:00+0000"}, []),
        ({"start:gte": "2019-01-02T00:00:00+0000", "extension": "203"}, [3]),
        ({"start:lte": "2019-01-02T00:00:00+0000", "extension": "203"}, []),
        ({"order": "start:ASC"}, [1, 2, 3]),
        ({"order": "start"}, [1, 2, 3]),
        ({"order": "duration:DESC"}, [1, 3, 2]),
        ({"order": "call_direction:ASC"}, [1, 3, 2]),
        ({"page_size": "2"}, [3, 2]),
        ({"page_size": "2", "page": "2"}, [1]),
        ({"page_size": "2", "page": "3"}, []),
        ({"page_size": "2", "page": "0"}, [3, 2]),
        ({"page_size": "1", "page": "2", "order": "duration:ASC"}, [3]),
    ],
)
def test_recordings_are_found(
    simulator: VonageBusinessSimulator, query: dict[str, str], found: list[int]
) -> None:
    """By every filter, in any order, page by page."""
    assert ids(simulator, **query) == found


@pytest.mark.parametrize("order", ["start:DESC", "start:ASC", "duration:ASC"])
def test_pages_hold_each_once(clock: Clock, order: str) -> None:
    """Also when many began at the same moment; a page is cut down to the most."""
    simulator = make(clock, most_per_page=7)
    simulator.fill(50, apart_s=0.0)
    simulator.fill(50)
    seen = [
        number
        for page in range(1, 17)
        for number in ids(simulator, page=str(page), page_size="9", order=order)
    ]
    assert len(seen) == len(set(seen)) == 100


def test_what_comes_and_goes_is_seen_at_once(
    simulator: VonageBusinessSimulator,
) -> None:
    """Late ones where their start belongs, whichever way is asked."""
    ways: list[dict[str, str]] = [{}, {"extension": "100"}]
    assert [ids(simulator, **way) for way in ways] == [[3, 2, 1]] * 2
    late = datetime(2019, 1, 2, 12, tzinfo=UTC)
    simulator.add_recording(id=9, start_at=late, extensions=("100",))
    assert [ids(simulator, **way) for way in ways] == [[3, 9, 2, 1]] * 2
    simulator.delete_recording(2)
    assert [ids(simulator, **way) for way in ways] == [[3, 9, 1]] * 2


def test_impossible_recordings_are_refused(simulator: VonageBusinessSimulator) -> None:
    """A second one of an id, of nobody known, with what no recording has."""
    impossible: list[dict[str, Any]] = [
        {"id": 1},
        {"user": "nobody"},
        {"call_direction": "SIDEWAYS"},
        {"size_bytes": -1},
        {"mood": "good"},
    ]
    for details in impossible:
        with pytest.raises(ValueError, match=r".+"):
            simulator.add_recording(**details)
    with pytest.raises(KeyError):
        simulator.delete_recording(99)
    with pytest.raises(KeyError):
        simulator.show_audio(99)
    assert ids(simulator) == [3, 2, 1]


def test_a_new_recording_is_of_a_call_that_just_ended(clock: Clock) -> None:
    """Its size follows from its duration."""
    recording = make(clock).add_recording(duration_ms=60_000)
    assert recording.end_s == clock.now_s
    assert recording.start_s == clock.now_s - 60
    assert recording.size_bytes == 240_000


def export(simulator: VonageBusinessSimulator, files: int) -> list[Job]:
    simulator.fill(files)
    answer = simulator.site.rest.export(COMPANY, b"{}").body
    assert answer
    jobs = [simulator.site.jobs.get(number) for number in answer["job_ids"]]
    return [job for job in jobs if job]


def test_jobs_go_on_by_the_clock(clock: Clock) -> None:
    """File by file; then they can be downloaded, for a while."""
    simulator = make(clock, job_file_s=2.0, job_valid_s=60)
    jobs = simulator.site.jobs
    (job,) = export(simulator, 3)
    seen = []
    for seconds in (0.0, 2.5, 2.0, 2.0, 58.0, 2.0):
        clock.now_s += seconds
        assert jobs.get(job.id) is job
        seen.append((job.completed, job.status, jobs.is_ready(job)))
    assert seen == [
        (0, "in_progress", False),
        (1, "in_progress", False),
        (2, "in_progress", False),
        (3, "complete", True),
        (3, "complete", True),
        (3, "complete", False),
    ]
    assert job.valid_until_s == 1_700_000_066


def test_jobs_do_what_they_are_told(clock: Clock) -> None:
    """Advance, complete, fail, expire, be forgotten; ended ones no more."""
    simulator = make(clock, job_file_s="never")
    (slow,) = export(simulator, 2)
    (failing,) = export(simulator, 0)
    simulator.advance_job(slow.id)
    assert (slow.completed, slow.status) == (1, "in_progress")
    with pytest.raises(ValueError, match="not complete"):
        simulator.expire_job(slow.id)
    simulator.advance_job(slow.id)
    assert (slow.completed, slow.status) == (2, "complete")
    assert simulator.site.jobs.is_ready(slow)
    simulator.expire_job(slow.id)
    assert not simulator.site.jobs.is_ready(slow)
    simulator.fail_job(failing.id)
    with pytest.raises(ValueError, match="has ended"):
        simulator.complete_job(failing.id)
    statuses = [job.status for job in simulator.site.jobs.all_of("745249")]
    assert statuses == ["failed", "complete"]
    assert simulator.site.jobs.all_of("745249", "failed") == [failing]
    simulator.forget_job(failing.id)
    assert simulator.site.jobs.get(failing.id) is None


def test_a_great_export_becomes_several_jobs(clock: Clock) -> None:
    """An empty one still is one, and done at once."""
    jobs = export(make(clock, files_per_job=4), 10)
    assert [len(job.recordings) for job in jobs] == [4, 4, 2]
    (empty,) = export(make(clock, files_per_job=4), 0)
    assert (empty.recordings, empty.status) == ((), "complete")


def traffic_of(seed: int, moves: int) -> VonageBusinessSimulator:
    simulator = make(Clock(), seed=seed, users=("7",))
    rng = random.Random(seed)  # noqa: S311 repeatable, guards nothing
    traffic = RandomTraffic(simulator.site.archive, rng)
    for _ in range(moves):
        traffic.move()
    return simulator


def test_traffic_follows_from_the_seed() -> None:
    """The same seed, the same recordings; another seed, others."""
    first, again, other = (
        traffic_of(seed, 200).site.rest.recordings(COMPANY, ID_ORDER).body
        for seed in (3, 3, 4)
    )
    assert first == again != other


def test_traffic_keeps_a_thousand() -> None:
    """The company's and everybody's."""
    simulator = traffic_of(1, 3_000)
    assert 900 <= len(simulator.site.archive) <= 1_000
    assert all(len(shelf) > 50 for shelf in simulator.site.archive.shelves.values())
