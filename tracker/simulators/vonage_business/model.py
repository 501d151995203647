"""What an account keeps: recordings, and the jobs that export them."""

import random
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

DIRECTIONS = ("INBOUND", "OUTBOUND", "INTRA_PBX")

COMPLETE = "complete"
"""The only status of a job that the documents show; the other two are assumed."""
IN_PROGRESS, FAILED = "in_progress", "failed"

BYTES_PER_MS = 4
"""32 kbit/s, see `audio`."""


class Details(TypedDict, total=False):
    """What may be said about a new recording; the rest is made up.

    Attributes:
        id: Any that is free; else the next.
        user: Whose on-demand recording it is; None: it is the company's.
        start_at: When the call began; else so that it has just ended.
        end_at: When it ended; else `duration_ms` later.
        size_bytes: Of the audio; else what its duration makes.
        has_audio: Whether the file is there already.
    """

    id: int
    user: str | None
    call_direction: str
    call_id: str
    caller_id: str
    cnam: str
    dnis: str
    extensions: tuple[str, ...]
    duration_ms: int
    start_at: datetime
    end_at: datetime
    size_bytes: int
    file_name: str
    rule_ids: tuple[int, ...]
    has_audio: bool


@dataclass(slots=True, eq=False, kw_only=True)
class Recording:
    """A stored recording of a call.

    Attributes:
        user: Whose on-demand recording it is; None: it is the company's.
        start_s: When the call began, in seconds since 1970.
        end_s: When it ended.
        has_audio: Whether the file is there; the document may be there before it.
    """

    id: int
    user: str | None
    call_direction: str
    call_id: str
    caller_id: str
    cnam: str
    dnis: str
    extensions: tuple[str, ...]
    duration_ms: int
    start_s: int
    end_s: int
    size_bytes: int
    file_name: str
    rule_ids: tuple[int, ...]
    has_audio: bool = True


@dataclass(slots=True, eq=False, kw_only=True)
class Job:
    """An export of recordings into one zip.

    Attributes:
        link_id: What its own link calls it; in the documents' example not its id.
        user: Under whom it is found.
        recordings: What it exports; also those that are deleted meanwhile.
        began_s: When it was asked for, by the simulator's clock.
        completed: How many files it has done.
        valid_until_s: When the completed job can no longer be downloaded.
    """

    id: str
    link_id: str
    user: str
    recordings: tuple[Recording, ...]
    began_s: float
    completed: int = 0
    status: str = IN_PROGRESS
    valid_until_s: float | None = None


def make_recording(
    number: int, now_s: float, rng: random.Random, details: Details
) -> Recording:
    """Make up whatever the details don't say.

    Args:
        number: The id, unless the details say another.
        now_s: When it appears, in seconds since 1970.
        rng: What is made up by.
        details: What is said.

    Raises:
        ValueError: There is no such detail or direction, or a length is below 0.
    """
    if unknown := details.keys() - Details.__annotations__.keys():
        raise ValueError(unknown)
    duration_ms = details.get("duration_ms", rng.randrange(5_000, 600_000))
    call_id = details.get(
        "call_id", str(uuid.UUID(int=rng.getrandbits(128), version=4))
    )
    recording_id = details.get("id", number)
    start_s, end_s = _times_s(details, now_s, duration_ms // 1000)
    recording = Recording(
        id=recording_id,
        user=details.get("user"),
        call_direction=details.get("call_direction", rng.choice(DIRECTIONS)),
        call_id=call_id,
        caller_id=details.get("caller_id", f"1732555{rng.randrange(10**4):04}"),
        cnam=details.get("cnam", ""),
        dnis=details.get("dnis", f"1732556{rng.randrange(10**4):04}"),
        extensions=tuple(details.get("extensions", (str(rng.randrange(100, 1000)),))),
        duration_ms=duration_ms,
        start_s=start_s,
        end_s=end_s,
        size_bytes=details.get("size_bytes", duration_ms * BYTES_PER_MS),
        file_name=details.get("file_name", f"{recording_id}.{call_id}.mp3"),
        rule_ids=tuple(details.get("rule_ids", (1989,))),
        has_audio=details.get("has_audio", True),
    )
    _require_possible(recording)
    return recording


def _times_s(details: Details, now_s: float, length_s: int) -> tuple[int, int]:
    start_at, end_at = details.get("start_at"), details.get("end_at")
    start_s = int(start_at.timestamp() if start_at else now_s - length_s)
    return start_s, int(end_at.timestamp()) if end_at else start_s + length_s


def _require_possible(recording: Recording) -> None:
    if recording.call_direction not in DIRECTIONS:
        raise ValueError(recording.call_direction)
    if recording.duration_ms < 0 or recording.size_bytes < 0:
        raise ValueError("a length is below 0")
