"""Audio that is made while it is sent: the same for the same recording, always."""

import hashlib
import struct
from collections.abc import Iterator
from itertools import islice

from tracker.simulators.kazoo.model import Document, Recorded

CONTENT_TYPES = {"mp3": "audio/mpeg", "wav": "audio/x-wav"}

_CHUNK_BYTES = 65_536

_MP3_HEADER = b"\xff\xe3\x28\xc0" + bytes(9)
"""Of a silent frame: MPEG 2.5 layer III, 16 kbit/s, 8 kHz, mono."""

_MP3_FRAME_BYTES, _MP3_FRAME_MS = 144, 72
_MP3_FRAMES = 455
"""That differ, of each recording; then they repeat."""

_WAV_HEADER_BYTES = 44


def size_of(recorded: Recorded) -> int:
    """The bytes that a recording's length makes."""
    if recorded.format == "wav":
        samples = recorded.duration_ms * 8
        return _WAV_HEADER_BYTES + 2 * samples
    return -(-recorded.duration_ms // _MP3_FRAME_MS) * _MP3_FRAME_BYTES


def chunks(document: Document, start: int, stop: int) -> Iterator[bytes]:
    """The bytes of a recording's audio from *start* up to *stop*."""
    if document.of.format == "wav":
        head, body = _wav_header(document.size_bytes), _noise(document.id, _CHUNK_BYTES)
    else:
        head, body = b"", _mp3_frames(document.id)
    if start < len(head):
        yield head[start : min(stop, len(head))]
        start = len(head)
    while start < stop:
        offset = (start - len(head)) % len(body)
        part = body[offset : offset + stop - start]
        yield part
        start += len(part)


def _mp3_frames(document_id: str) -> bytes:
    room = _MP3_FRAME_BYTES - len(_MP3_HEADER)
    noise = _noise(document_id, room * _MP3_FRAMES)
    filled = (noise[at : at + room] for at in range(0, len(noise), room))
    return b"".join(_MP3_HEADER + part for part in islice(filled, _MP3_FRAMES))


def _noise(document_id: str, size: int) -> bytes:
    """Bytes of which no two recordings have the same; none looks like a frame's."""
    return hashlib.shake_128(document_id.encode()).digest(size).replace(b"\xff", b"\0")


def _wav_header(size_bytes: int) -> bytes:
    """RIFF, of 16 bit mono samples at 8 kHz."""
    data_bytes = max(0, size_bytes - _WAV_HEADER_BYTES)
    format_ = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8_000, 16_000, 2, 16)
    riff = struct.pack("<4sI4s", b"RIFF", data_bytes + 36, b"WAVE")
    return riff + format_ + struct.pack("<4sI", b"data", data_bytes)
