"""The Python client and stored recordings: every page, whole files, clear ends."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.integration.http.site import JWT, Site, serving
from tests.unit.outlets.shelf import CHUNK_BYTES, Shelf, content
from tracker.client import ProblemError, Tracker, UnansweredError, Which
from tracker.errors import ProviderLockedError

KEY = "kazoo/a/r1"
SCOPES = "recordings:read recordings:delete"


@pytest.fixture
def shelves() -> list[Shelf]:
    return [Shelf("a"), Shelf("b")]


@pytest.fixture
async def guarded(shelves: list[Shelf]) -> AsyncIterator[Site]:
    async with serving(JWT, archives=shelves) as served:
        yield served


@pytest.fixture
def tracker(guarded: Site) -> Tracker:
    return Tracker(guarded.url + "/", guarded.token(SCOPES))


async def listed(tracker: Tracker, wanted: Which, page: int = 3) -> list[str]:
    return [item["key"] async for item in tracker.recordings(wanted, page=page)]


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_all_pages_are_listed(tracker: Tracker, shelves: list[Shelf]) -> None:
    """In the order asked for, and only what is asked for."""
    for number in range(10):
        shelves[number % 2].put(number, call_id=f"c+{number} &")
    keys = [f"kazoo/{'ab'[n % 2]}/r{n}" for n in range(10)]
    assert await listed(tracker, Which(order="start:asc")) == keys
    begun_at = datetime(2026, 1, 1, tzinfo=UTC)
    wanted = Which(account="a", call="c+2 &", from_at=begun_at, min_duration_s=0.5)
    assert await listed(tracker, wanted) == ["kazoo/a/r2"]
    query = shelves[0].asked[-1][1]
    assert (query.from_at, query.min_duration_ms) == (begun_at, 500)


async def test_what_is_missing_is_told_at_the_end(
    tracker: Tracker, shelves: list[Shelf]
) -> None:
    """What the others have comes first; nobody takes it for all."""
    shelves[0].put(1)
    shelves[1].failure = ProviderLockedError("no")
    found = tracker.recordings()
    assert (await anext(found))["key"] == KEY
    with pytest.raises(ProblemError, match="kazoo/b: the platform refuses"):
        await anext(found)


async def test_what_failed_and_came_after_all_is_not_missing(
    tracker: Tracker, shelves: list[Shelf]
) -> None:
    """An account that fails is asked again on the next page."""
    keys = {shelf.put(number) for shelf in shelves for number in range(3)}
    shelves[1].failure = ProviderLockedError("no")
    found = tracker.recordings(page=1)
    got = {(await anext(found))["key"]}
    shelves[1].failure = None
    got |= {item["key"] async for item in found}
    assert got == keys


async def test_one_is_shown_and_deleted(tracker: Tracker, shelves: list[Shelf]) -> None:
    """By its key; what is no key is not asked for."""
    shelves[0].put(1)
    assert (await tracker.recording(KEY))["kind"] == "kazoo"
    fate = await tracker.delete_recording(KEY)
    assert fate == {"document": "deleted", "audio": "kept"}
    with pytest.raises(ProblemError) as refused:
        await tracker.recording(KEY)
    assert refused.value.code == 404
    with pytest.raises(ValueError, match="provider/account/id"):
        await tracker.delete_recording("kazoo/a")


async def test_a_file_is_there_when_it_is_whole(
    tracker: Tracker, shelves: list[Shelf], tmp_path: Path
) -> None:
    """Under a name or in a directory, with its checksum; else nothing is left."""
    shelves[0].put(1)
    shelves[0].audio_bytes = 200_000
    seen: list[tuple[int, int | None]] = []
    to = tmp_path / "a.mp3"
    fetched = await tracker.download(KEY, to, lambda *done: seen.append(done))
    whole = content(0, 200_000)
    assert to.read_bytes() == whole
    assert fetched == (to, len(whole), sha256(whole).hexdigest())
    assert seen[-1] == (200_000, 200_000)
    assert (await tracker.download(KEY, tmp_path)).path == tmp_path / "r1.mp3"
    shelves[0].cut_after = CHUNK_BYTES
    with pytest.raises(UnansweredError):
        await tracker.download(KEY, tmp_path / "b.mp3")
    assert names_in(tmp_path) == ["a.mp3", "r1.mp3"]
    with pytest.raises(ProblemError) as refused:
        await tracker.download("kazoo/a/r2", to)
    assert refused.value.code == 404


@pytest.mark.parametrize("named", ["a.mp3", "."])
async def test_no_file_is_written_over(
    tracker: Tracker, tmp_path: Path, shelves: list[Shelf], named: str
) -> None:
    """Whether it was named or got the server's name: what was there stays."""
    shelves[0].put(1)
    to = tmp_path / named
    fetched = await tracker.download(KEY, to)
    fetched.path.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="there already"):
        await tracker.download(KEY, to)
    assert fetched.path.read_bytes() == b"mine"
    assert len(names_in(tmp_path)) == 1


async def test_what_appears_meanwhile_is_not_written_over(
    tracker: Tracker, tmp_path: Path, shelves: list[Shelf]
) -> None:
    """Somebody else had the same name in mind."""
    shelves[0].put(1)
    to = tmp_path / "a.mp3"

    def appear(*_: int | None) -> None:
        to.write_bytes(b"mine")

    with pytest.raises(FileExistsError, match="there already"):
        await tracker.download(KEY, to, progress=appear)
    assert to.read_bytes() == b"mine"
    assert names_in(tmp_path) == ["a.mp3"]


async def test_an_export_is_followed_and_fetched(
    tracker: Tracker, tmp_path: Path
) -> None:
    """From the asking to its file."""
    answer: dict[str, Any] = await tracker.export(Which(account="kazoo/b"))
    (made,) = answer["items"]
    states = [(await tracker.export_state(made["key"]))["state"] for _ in range(2)]
    assert states == ["running", "completed"]
    fetched = await tracker.download_export(made["key"], tmp_path, job="j1")
    assert (fetched.path.name, fetched.size_bytes) == ("e0.zip", 1000)
