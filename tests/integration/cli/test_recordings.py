"""`tracker recordings` and `tracker export`, as processes."""

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.integration.cli.test_commands import TRACKER, done
from tests.integration.http.site import JWT, Site, serving
from tests.unit.outlets.shelf import CHUNK_BYTES, Shelf, content
from tracker.errors import CommandRefusedError, ProviderLockedError

SUM = sha256(content(0, 1000)).hexdigest()
CRAMPED = ("sh", "-c", 'ulimit -f 64 && exec "$0" "$@"', *TRACKER)
"""With room for a file of 32 or 64 KB, as the shell counts."""


@pytest.fixture
def shelves() -> list[Shelf]:
    """With two recordings in one account and one in another."""
    shelves = [Shelf("a"), Shelf("b")]
    shelves[0].put(1, duration_ms=1500, caller_id="1001", dnis="1002")
    shelves[0].put(3)
    shelves[1].put(2)
    return shelves


@pytest.fixture
async def guarded(shelves: list[Shelf]) -> AsyncIterator[Site]:
    async with serving(JWT, archives=shelves) as served:
        yield served


@pytest.fixture
def variables(guarded: Site) -> dict[str, str]:
    token = guarded.token("recordings:read recordings:delete")
    return {"TRACKER_URL": guarded.url, "TRACKER_TOKEN": token}


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_a_line_for_each_recording(
    variables: dict[str, str], tmp_path: Path, shelves: list[Shelf]
) -> None:
    """Newest first, as many as wanted; what is missing is told, exit 1."""
    listing = ("recordings", "list")
    status, out, err = await done(*listing, cwd=tmp_path, **variables)
    assert (status, err) == (0, "")
    keys = ["kazoo/a/r3", "kazoo/b/r2", "kazoo/a/r1"]
    assert [line.split()[-1] for line in out.splitlines()] == keys
    assert "1.5 s  ready     1001 > 1002" in out
    began = ("--from", "2026-01-01T00:00:00Z")
    more = ("--json", "--limit", "1", "--order", "start:asc", *began)
    status, out, err = await done(*listing, *more, cwd=tmp_path, **variables)
    assert (status, json.loads(out)["key"]) == (0, "kazoo/a/r1")
    shelves[1].failure = ProviderLockedError("no")
    status, out, err = await done(*listing, cwd=tmp_path, **variables)
    assert (status, out.count("\n")) == (1, 2)
    assert err.startswith("tracker: kazoo/b: the platform refuses")


async def test_a_file_is_fetched_with_its_checksum(
    variables: dict[str, str], tmp_path: Path, shelves: list[Shelf]
) -> None:
    """Never over another; what breaks off leaves nothing, exit 1."""
    fetch = ("recordings", "download", "kazoo/a/r1")
    status, out, err = await done(*fetch, cwd=tmp_path, **variables)
    assert (status, out, err) == (0, f"{SUM}  r1.mp3\n", "")
    assert (tmp_path / "r1.mp3").read_bytes() == content(0, 1000)
    status, _, err = await done(*fetch, "--to", "r1.mp3", cwd=tmp_path, **variables)
    assert (status, "name another file" in err) == (2, True)
    status, _, err = await done(*fetch, cwd=tmp_path, **variables)
    assert (status, "r1.mp3 cannot be written: it is" in err) == (2, True)
    shelves[0].audio_bytes, shelves[0].cut_after = 200_000, CHUNK_BYTES
    status, out, _ = await done(*fetch, "--to", "b.mp3", cwd=tmp_path, **variables)
    assert (status, out) == (1, "")
    assert names_in(tmp_path) == ["r1.mp3"]


async def test_a_file_without_room_is_named(
    variables: dict[str, str], tmp_path: Path, shelves: list[Shelf]
) -> None:
    """Nothing is left of it, and the question was good: exit 1."""
    shelves[0].audio_bytes = 200_000
    for arguments, file in (
        (("recordings", "download", "kazoo/a/r1"), "r1.mp3"),
        (("export", "--account", "a"), "kazoo_a_e0-j1.zip"),
    ):
        status, _, err = await done(
            *arguments, cwd=tmp_path, program=CRAMPED, **variables
        )
        said = f"tracker: {file} cannot be written: File too large\n"
        assert (status, err) == (1, said)
    elsewhere = ("recordings", "download", "kazoo/a/r1", "--to", "none/a.mp3")
    status, _, err = await done(*elsewhere, cwd=tmp_path, **variables)
    assert (status, "tracker: none/a.mp3 cannot be written: No such" in err) == (
        2,
        True,
    )
    assert names_in(tmp_path) == []


async def test_nothing_is_deleted_unasked(
    variables: dict[str, str], tmp_path: Path, shelves: list[Shelf]
) -> None:
    """Without an answer it is kept; a no of the platform is exit 1."""
    delete = ("recordings", "delete", "kazoo/a/r1")
    status, out, _ = await done(*delete, cwd=tmp_path, **variables)
    assert (status, "for good?" in out) == (1, True)
    assert "kazoo/a/r1" in shelves[0].held
    shelves[0].failure = CommandRefusedError("it is kept by law")
    status, _, err = await done(*delete, "--yes", cwd=tmp_path, **variables)
    assert (status, err) == (1, "tracker: it is kept by law\n")
    shelves[0].failure = None
    status, out, _ = await done(*delete, "--yes", cwd=tmp_path, **variables)
    assert (status, out) == (0, "document deleted, audio kept  kazoo/a/r1\n")
    assert "kazoo/a/r1" not in shelves[0].held


async def test_what_can_be_put_right_is_one_sentence(
    variables: dict[str, str], tmp_path: Path
) -> None:
    """Exit 2."""
    tokenless = variables | {"TRACKER_TOKEN": ""}
    for arguments, given, says in (
        (("recordings", "show", "kazoo/a/none"), variables, "no such thing"),
        (("recordings", "show", "kazoo"), variables, "provider/account/id"),
        (("recordings", "list", "--kind", "fax"), variables, "--kind: "),
        (("recordings", "list", "--from", "noon"), variables, "--from noon: "),
        (("recordings", "list"), tokenless, "give a good --token"),
        (("export", "--to", "none"), variables, "--to none is no directory"),
        (("export", "--account", "none"), variables, "no such account"),
    ):
        status, out, err = await done(*arguments, cwd=tmp_path, **given)
        assert (status, out) == (2, ""), err
        assert says in err
    show = ("recordings", "show", "kazoo/a/r1")
    status, out, _ = await done(*show, cwd=tmp_path, **variables)
    assert (status, json.loads(out)["caller_id"]) == (0, "1001")


async def test_an_export_is_asked_for_and_fetched(
    variables: dict[str, str], tmp_path: Path
) -> None:
    """At once, or gone on with later by its key."""
    export = ("export", "--account", "a")
    status, out, err = await done(*export, cwd=tmp_path, **variables)
    file = "kazoo_a_e0-j1.zip"
    assert (status, out, err) == (0, f"kazoo/a/e0\n{SUM}  {file}\n", "")
    assert (tmp_path / file).stat().st_size == 1000
    status, out, _ = await done(*export, "--no-wait", cwd=tmp_path, **variables)
    assert (status, out) == (0, "kazoo/a/e1\n")
    later = ("export", "--key", "kazoo/a/e1", "--to", str(tmp_path))
    status, out, _ = await done(*later, cwd=tmp_path, **variables)
    assert (status, (tmp_path / "kazoo_a_e1-j1.zip").exists()) == (0, True)
    status, out, err = await done(*later, cwd=tmp_path, **variables)
    assert (status, out) == (0, "kazoo/a/e1\n")
    assert "kazoo_a_e1-j1.zip is there already: it is kept" in err
