"""What stored recordings and exports become by what is told of them. Pure."""

from datetime import datetime
from typing import Final

from tracker.domain.archive import AudioState, ExportSnapshot, MediaSnapshot
from tracker.domain.base import Model
from tracker.domain.changes import Change, Changes
from tracker.domain.reading import Exported, Saved

_UNHEARD: Final = ("pending", "absent")


class KnownMedia(Model):
    """What is remembered of a stored recording, so that nothing is told twice.

    Attributes:
        audio: As it was told last.
        gone: It was deleted; its versions go on rising if it comes back.
    """

    version: int
    audio: AudioState
    gone: bool = False


def decide_media(
    known: KnownMedia | None, told: Saved, now: datetime
) -> Changes[MediaSnapshot]:
    """The recording with its version; it is told when it comes, goes, or can be heard.

    Args:
        known: None = never told of, or so long ago that it is forgotten.
        told: The input.
        now: The input's time.
    """
    media = told.media.but(version=known.version + 1 if known else 1)
    if told.old:
        return Changes(media, kept=known is None)
    was_there = known is not None and not known.gone
    old = known.audio if known is not None and was_there else None
    if told.gone:
        if known is not None and known.gone:
            return Changes(media, kept=False)
        return Changes(media, (_change("deleted", now, media, old or media.audio),))
    if old == media.audio or (old is not None and media.audio in _UNHEARD):
        return Changes(media, kept=False)
    return Changes(media, (_change("available", now, media, old),))


def decide_export(
    known: ExportSnapshot | None, told: Exported, now: datetime
) -> Changes[ExportSnapshot]:
    """The export with its version and what was asked for.

    Args:
        known: As it was told last; None = nobody waits for it.
        told: The input.
        now: The input's time.
    """
    if known is None and not told.asked:
        return Changes(None, kept=False)
    export = told.export
    if known is not None:
        jobs = export.jobs or known.jobs
        export = export.but(filters=known.filters, jobs=jobs, version=known.version + 1)
        if export.but(version=known.version) == known:
            return Changes(known, kept=False)
    detail: dict[str, object] = {
        "from": known.state if known else None,
        "to": export.state,
    }
    verb = {"running": "progressed", "completed": "completed"}
    kind = f"export.{verb.get(export.state, 'failed')}"
    return Changes(export, (Change(kind, now, detail),))


def _change(
    verb: str, now: datetime, media: MediaSnapshot, old: AudioState | None
) -> Change:
    to = None if verb == "deleted" else media.audio
    return Change(f"media.{verb}", now, {"from": old, "to": to})
