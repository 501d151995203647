"""A call's timeline: closed intervals and the open one, as of one moment."""

from msgspec.structs import asdict
from pydantic import AliasChoices, Field

from tracker.domain.base import Instant, Model
from tracker.domain.snapshot import CallSnapshot, Cause, RecordingPart, Totals
from tracker.domain.terms import Evidence, RecordingState, UnknownReason
from tracker.store.outbox import Past

FROM = AliasChoices("from", "from_")


class Interval(Model):
    """A closed stretch of one recording state."""

    state: RecordingState
    from_: Instant = Field(serialization_alias="from", validation_alias=FROM)
    to: Instant
    unknown_reason: UnknownReason | None
    evidence: Evidence
    observed_by: str | None
    cause: Cause


class OpenInterval(Model):
    """The stretch that lasts."""

    state: RecordingState
    from_: Instant = Field(serialization_alias="from", validation_alias=FROM)
    unknown_reason: UnknownReason | None
    evidence: Evidence
    observed_by: str | None
    cause: Cause


class Timeline(Model):
    """What was recorded of a call.

    Attributes:
        items: Closed intervals, oldest first.
        open: None when the call is over.
        totals: From the answer on; None when only the intervals are still known.
        media: Keys of its stored recordings, however late they were saved.
    """

    items: tuple[Interval, ...]
    open: OpenInterval | None
    totals: Totals | None
    media: tuple[str, ...]


def timeline(past: Past, call: CallSnapshot | None) -> Timeline:
    """The timeline up to *call*.

    Args:
        past: Read after the call was: it may already hold what *call* shows as open.
        call: None when it is forgotten; then all of it is closed.
    """
    closed = tuple(Interval(**asdict(interval)) for interval in past.intervals)
    media = past.media
    if call is None or call.call.ended_at is not None:
        return Timeline(
            items=closed, open=None, totals=call.totals if call else None, media=media
        )
    recording = call.recording
    return Timeline(
        items=tuple(interval for interval in closed if interval.to <= recording.since),
        media=media,
        open=OpenInterval(
            state=recording.state,
            from_=recording.since,
            unknown_reason=recording.unknown_reason,
            evidence=_evidence(call.recording, past),
            observed_by=recording.observed_by,
            cause=recording.cause,
        ),
        totals=call.totals,
    )


def _evidence(shown: RecordingPart, past: Past) -> Evidence:
    """That of what is *shown* as open: it lasts, or has been closed meanwhile."""
    begun = [(i.from_, i.state, i.evidence) for i in past.intervals]
    if past.recording is not None:
        lasts = past.recording
        begun.append((lasts.since, lasts.state, lasts.evidence))
    found = (e for *one, e in reversed(begun) if one == [shown.since, shown.state])
    return next(found, "none")
