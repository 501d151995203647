"""Recordings in one zip, made while it is sent."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from tracker.simulators.vonage_business.audio import audio_chunks
from tracker.simulators.vonage_business.model import Recording

CONTENT_TYPE = "application/zip"

_EARLIEST = 1980
_ENOUGH_BYTES = 65_536


class _Outflow(io.RawIOBase):
    """Keeps what is written until it is taken; cannot be sought."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        before = len(self._kept)
        self._kept += data  # type: ignore[arg-type]
        return len(self._kept) - before

    def take(self, at_least: int) -> bytes:
        """Everything, if it is that much; else nothing yet."""
        if len(self._kept) < at_least:
            return b""
        taken = bytes(self._kept)
        self._kept.clear()
        return taken


def zip_chunks(recordings: Sequence[Recording]) -> Iterator[bytes]:
    """A zip with a file per recording, stored, in their order.

    Files are called what the recordings' files are; of two of one name, the later has
    its recording's id before it.
    """
    out, names = _Outflow(), set[str]()
    with zipfile.ZipFile(out, "w") as archive:
        for recording in recordings:
            name = recording.file_name
            name = f"{recording.id}.{name}" if name in names else name
            names.add(name)
            entry = _entry(name, recording.start_s)
            with archive.open(entry, "w", force_zip64=True) as file:
                for chunk in audio_chunks(recording.id, 0, recording.size_bytes):
                    file.write(chunk)
                    if taken := out.take(_ENOUGH_BYTES):
                        yield taken
    yield out.take(0)


def _entry(name: str, start_s: int) -> zipfile.ZipInfo:
    start_at = datetime.fromtimestamp(start_s, UTC)
    date = max(_EARLIEST, start_at.year), start_at.month, start_at.day
    return zipfile.ZipInfo(
        name, (*date, start_at.hour, start_at.minute, start_at.second)
    )
