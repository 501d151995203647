"""Recordings and export jobs of Vonage Business, in tracker's words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from tracker.domain.archive import (
    Direction,
    ExportJob,
    ExportSnapshot,
    JobState,
    MediaSnapshot,
)
from tracker.domain.key import make_key
from tracker.providers.normalise import shown_name, shown_number
from tracker.providers.vonage_business.places import (
    PROVIDER,
    Place,
    Shelf,
    export_key,
    recording_key,
)
from tracker.providers.vonage_business.settings import VonageBusinessSettings
from tracker.providers.vonage_business.wire import Job, Recording

DIRECTIONS: Final[Mapping[str, Direction]] = {
    "INBOUND": "inbound",
    "OUTBOUND": "outbound",
    "INTRA_PBX": "internal",
}


def media(
    recording: Recording, shelf: Shelf, settings: VonageBusinessSettings
) -> MediaSnapshot:
    """A recording as outlets show it."""
    call_id = recording.call_id
    return MediaSnapshot(
        key=recording_key(settings, Place(shelf, recording.id)),
        provider=PROVIDER,
        account=settings.account,
        kind=shelf.kind,
        call_key=call_id and make_key(PROVIDER, settings.account, call_id),
        call_id=call_id,
        direction=DIRECTIONS.get((recording.call_direction or "").upper()),
        caller_id=shown_number(recording.caller_id, settings.numbers),
        cnam=shown_name(recording.cnam, settings.numbers),
        dnis=shown_number(recording.dnis, settings.numbers),
        extensions=recording.extensions,
        user=shelf.user,
        started_at=recording.start,
        ended_at=recording.end,
        duration_ms=recording.duration,
        size_bytes=recording.file_size_in_bytes,
        file_name=recording.file_name,
        rule_ids=recording.rule_ids,
        audio="ready" if recording.download_url else "pending",
    )


class OwnedJob(NamedTuple):
    """A job, and under whom it was found."""

    place: Place
    job: Job


def export(
    jobs: Sequence[OwnedJob], settings: VonageBusinessSettings, now: datetime
) -> ExportSnapshot:
    """An export of these jobs, as they stand *now*."""
    shown = tuple(_export_job(owned.job, now) for owned in jobs)
    return ExportSnapshot(
        key=export_key(settings, (owned.place for owned in jobs)),
        provider=PROVIDER,
        account=settings.account,
        state=_together([job.state for job in shown]),
        jobs=shown,
    )


def job_state(job: Job, now: datetime) -> JobState:
    """How a job stands *now*; a status without a known word in it is under way."""
    status = (job.status or "").lower()
    if any(word in status for word in ("fail", "error", "cancel", "abort")):
        return "failed"
    past = job.valid_until is not None and job.valid_until <= now
    if past or "expire" in status:
        return "expired"
    return "completed" if status in ("complete", "completed") else "running"


def _export_job(job: Job, now: datetime) -> ExportJob:
    return ExportJob(
        id=job.id,
        state=job_state(job, now),
        status=job.status,
        files_completed=job.files_completed,
        files_total=job.files_total,
        valid_until=job.valid_until,
    )


def _together(states: Sequence[JobState]) -> JobState:
    order: tuple[JobState, ...] = ("failed", "running", "expired")
    return next((state for state in order if state in states), "completed")
