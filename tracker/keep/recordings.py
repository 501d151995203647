"""A partition's stored recordings and exports, and links from recordings to calls."""

from collections.abc import Iterable
from datetime import datetime

from tracker.domain.archive import ExportSnapshot, MediaSnapshot
from tracker.domain.call import Tomb
from tracker.domain.changes import Change
from tracker.domain.entry import Entry, Fact, FollowExport, Outgoing
from tracker.domain.event import PREFIX
from tracker.domain.key import account_of
from tracker.domain.media import KnownMedia, decide_export, decide_media
from tracker.domain.reading import Exported, Media, Saved
from tracker.domain.terms import Kind
from tracker.domain.view import View
from tracker.keep.draft import Draft


class Recordings:
    """What is remembered of them, as far as a batch of inputs needs it.

    Attributes:
        known: By key; looked up before the inputs are folded.
        exports: Those that somebody waits for, by key.
        changed_known: To be stored.
        changed_links: Likewise, by a call's and a recording's key; False = deleted.
        changed_polled: Likewise, when a source last began a full read.
        changed_exports: Whose stored form is out of date; one that is no longer in
            `exports` is to be deleted.
    """

    def __init__(self) -> None:
        self.known: dict[str, KnownMedia] = {}
        self.exports: dict[str, ExportSnapshot] = {}
        self.changed_known: dict[str, KnownMedia] = {}
        self.changed_links: dict[str, dict[str, bool]] = {}
        self.changed_exports: set[str] = set()
        self.changed_polled: dict[str, datetime] = {}

    def take(self, told: Saved | Exported, at: datetime, draft: Draft) -> None:
        """Put into *draft* what is told of a recording or an export."""
        if isinstance(told, Saved):
            draft.outgoing += self._saved(told, at)
        else:
            draft.outgoing += self._exported(told, at)
            if told.asked and told.export.key in self.exports:
                draft.asks.append(FollowExport(export=told.export.key))

    def link(self, told: Media, tomb: Tomb) -> Tomb:
        """Remember for a call which recordings it has, however long after its end."""
        self.changed_links.setdefault(told.call, {})[told.media] = not told.gone
        links = tuple(key for key in tomb.media if key != told.media)
        return tomb._replace(media=links if told.gone else (*links, told.media))

    def has_polled(self, source: str, at: datetime) -> None:
        """A full read of what a platform has saved, begun then, is complete."""
        self.changed_polled[source] = at

    def _saved(self, told: Saved, at: datetime) -> list[Outgoing]:
        key = told.media.key
        changes = decide_media(self.known.get(key), told, at)
        media = changes.entity
        if not changes.kept or media is None:
            return []
        self.known[key] = self.changed_known[key] = KnownMedia(
            version=media.version, audio=media.audio, gone=told.gone
        )
        return _told("media", media, changes.changes, at, gone=told.gone)

    def _exported(self, told: Exported, at: datetime) -> list[Outgoing]:
        key = told.export.key
        changes = decide_export(self.exports.get(key), told, at)
        export = changes.entity
        if not changes.kept or export is None:
            return []
        if export.state == "running":
            self.exports[key] = export
        else:
            self.exports.pop(key, None)
        self.changed_exports.add(key)
        return _told("export", export, changes.changes, at)


def _told(
    kind: Kind,
    entity: MediaSnapshot | ExportSnapshot,
    changes: Iterable[Change],
    at: datetime,
    *,
    gone: bool = False,
) -> list[Outgoing]:
    facts = tuple(
        Fact(type=PREFIX + change.type, at=change.at, change=change.detail)
        for change in changes
    )
    if not facts:
        return []
    view = View(kind=kind, key=entity.key, account=account_of(entity.key))
    entry = Entry(
        entity=kind,
        key=entity.key,
        version=entity.version,
        facts=facts,
        before=view if entity.version > 1 or gone else None,
        after=None if gone else view,
        recorded_at=at,
    )
    return [Outgoing(entry, entity.model_dump_json().encode())]
