"""Recordings and channels of Kazoo, in tracker's words."""

from datetime import datetime, timedelta
from typing import Final

from tracker.domain.archive import AudioState, MediaSnapshot
from tracker.domain.key import make_key
from tracker.providers.kazoo.settings import KazooSettings
from tracker.providers.kazoo.wire import Recording
from tracker.providers.normalise import shown_name, shown_number

PROVIDER: Final = "kazoo"

UPLOADED_WITHIN: Final = timedelta(hours=2)
"""Audio that is not there so long after its recording will not come: the server tries
five times, at most ten minutes apart."""


def call_key(settings: KazooSettings, interaction_id: str | None, call_id: str) -> str:
    """The call's key, the same for its channels and for its stored recordings."""
    return make_key(PROVIDER, settings.account, interaction_id or call_id)


def media(
    recording: Recording, settings: KazooSettings, now: datetime
) -> MediaSnapshot:
    """A recording as outlets show it.

    `direction` stays open: the document only has the switch's view of a channel.
    """
    length_ms, call_id = recording.length_ms, recording.call_id
    numbers = settings.numbers
    return MediaSnapshot(
        key=make_key(PROVIDER, settings.account, recording.id),
        provider=PROVIDER,
        account=settings.account,
        kind="kazoo",
        call_key=call_id and call_key(settings, recording.interaction_id, call_id),
        call_id=call_id,
        caller_id=shown_number(recording.caller_id_number, numbers),
        cnam=shown_name(recording.caller_id_name, numbers),
        dnis=shown_number(recording.callee_id_number, numbers),
        extensions=extensions_of(recording),
        user=recording.owner_id,
        started_at=recording.start,
        ended_at=ended_at(recording),
        duration_ms=length_ms,
        file_name=recording.name,
        origin=recording.origin,
        audio=audio_of(recording, now),
    )


def ended_at(recording: Recording) -> datetime | None:
    """When it stopped; None = it isn't said how long it is."""
    length_ms = recording.length_ms
    if length_ms is None:
        return None
    return recording.start + timedelta(milliseconds=length_ms)


def audio_of(recording: Recording, now: datetime) -> AudioState:
    """Whether its audio is there, as a listing may say it; a document alone does not.

    What is not said is pending: the audio has to be asked for.
    """
    if recording.url is not None:
        return "external"
    if recording.content_types is None:
        return "pending"
    return "ready" if recording.content_types else missing_audio(recording, now)


def missing_audio(recording: Recording, now: datetime) -> AudioState:
    """Whether audio that is not there may still come."""
    over = (ended_at(recording) or recording.start) + UPLOADED_WITHIN
    return "absent" if over < now else "pending"


def extensions_of(recording: Recording) -> tuple[str, ...]:
    """The number of the user whose channel it is: who calls comes in at the switch."""
    calls = recording.direction == "inbound"
    number = recording.caller_id_number if calls else recording.callee_id_number
    address = recording.sent_from if calls else recording.sent_to
    found = number or (address or "").partition("@")[0]
    return (found,) if recording.owner_id and found else ()
