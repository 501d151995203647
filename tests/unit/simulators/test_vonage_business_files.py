"""What the simulator's files consist of: audio, parts of it, and zips."""

import io
import zipfile
from datetime import UTC, datetime

import pytest

from tracker.simulators.vonage_business import VonageBusinessSimulator
from tracker.simulators.vonage_business.audio import FRAME_BYTES, audio_chunks
from tracker.simulators.vonage_business.bundle import zip_chunks
from tracker.simulators.vonage_business.download import Part, find_part


def read(recording_id: int, start: int, stop: int) -> bytes:
    return b"".join(audio_chunks(recording_id, start, stop))


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (1, 500), (262_000, 600_001)])
def test_any_part_of_audio_is_that_part(start: int, stop: int) -> None:
    """Of one recording, and of no other place or recording."""
    whole = read(7, 0, 700_000)
    part = read(7, start, stop)
    assert part == whole[start:stop]
    assert not part or whole.count(part) == 1
    assert not part or part != read(8, start, stop)


def test_audio_is_frames_in_small_chunks() -> None:
    """Each begins with the header of a frame."""
    whole = read(7, 0, 600_000)
    assert {whole[at : at + 4] for at in range(0, 599_000, FRAME_BYTES)} == {
        b"\xff\xfb\x18\xc0"
    }
    chunks = audio_chunks(7, 0, 1_000_000_000)
    sizes = {len(chunk) for _, chunk in zip(range(100), chunks, strict=False)}
    assert max(sizes) <= 262_144


def test_a_zip_holds_the_files() -> None:
    """Whole, in small chunks; two of one name under two names."""
    simulator = VonageBusinessSimulator()
    first = simulator.add_recording(file_name="a.mp3", size_bytes=300_000)
    again = simulator.add_recording(file_name="a.mp3", size_bytes=10)
    old = datetime(1970, 1, 2, 3, 4, 6, tzinfo=UTC)
    early = simulator.add_recording(file_name="b.mp3", size_bytes=0, start_at=old)
    chunks = list(zip_chunks([first, again, early]))
    assert max(len(chunk) for chunk in chunks) < 600_000
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.mp3", f"{again.id}.a.mp3", "b.mp3"]
        assert archive.read("a.mp3") == read(first.id, 0, 300_000)
        assert archive.getinfo("b.mp3").date_time == (1980, 1, 2, 3, 4, 6)


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-9", Part(0, 10)),
        ("bytes=90-", Part(90, 100)),
        ("bytes=90-200", Part(90, 100)),
        ("bytes=-5", Part(95, 100)),
        ("bytes=-500", Part(0, 100)),
        ("bytes=100-", Part(100, 100)),
        ("bytes=-0", Part(100, 100)),
        ("bytes=9-3", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("frames=0-9", None),
        ("", None),
    ],
)
def test_ranges_mean_a_part(header: str, part: Part | None) -> None:
    """Or nothing; an empty part is one that there is not."""
    assert find_part(header, 100) == part
