"""Outbox entries into CloudEvents, by joining bytes: no snapshot is ever parsed."""

from pydantic_core import to_json

from tracker.domain.entry import Entry, Fact
from tracker.domain.event import CONTENT_TYPE, SCHEMA_BASE, SPEC_VERSION
from tracker.fanout.cursor import Place, Position
from tracker.fanout.filters import same_terms, terms_of
from tracker.fanout.published import Published, text_frame
from tracker.store.outbox import Tailed


def expand(tailed: Tailed, epoch: str) -> list[Published]:
    """The events of one outbox entry, in order; none for what only readers need.

    An entity that is gone, though it had not ended, without a fact to tell it, makes
    one `Published` without an event.
    """
    entry = tailed.header
    if not isinstance(entry, Entry):
        return []
    place = Place.parse(tailed.id)
    if not entry.facts:
        return _gone(entry, Position(epoch, tailed.partition, place))
    many = len(entry.facts) > 1
    same = same_terms(entry.before, entry.after)
    terms = tuple(
        terms_of(entry.after) if same else terms_of(entry.before, entry.after)
    )
    events = []
    for number, fact in enumerate(entry.facts, 1):
        at = Place(place.ms, place.seq, number) if many else place
        position = Position(epoch, tailed.partition, at)
        body = _cloud_event(position, entry, fact, tailed.snapshot)
        event = Published(
            position=position,
            type=fact.type,
            frame=text_frame(body),
            key=entry.key,
            version=entry.version,
            before=entry.before,
            after=entry.after,
            terms=terms,
            first=number == 1,
        )
        events.append(event)
    return events


def _gone(entry: Entry, position: Position) -> list[Published]:
    before = entry.before
    if entry.after is not None or before is None or before.ended:
        return []
    terms = tuple(terms_of(before))
    gone = Published(position, "", b"", entry.key, entry.version, before, None, terms)
    return [gone]


def _cloud_event(
    position: Position, entry: Entry, fact: Fact, snapshot: bytes
) -> bytes:
    view = entry.after or entry.before
    head = {
        "specversion": SPEC_VERSION,
        "id": str(position),
        "source": "/" + (view.account if view else entry.key),
        "type": fact.type,
        "subject": entry.key,
        "time": fact.at,
        "recordedtime": entry.recorded_at,
        "sequence": f"{entry.version:010}",
        "partitionkey": entry.key,
        "datacontenttype": CONTENT_TYPE,
        "dataschema": SCHEMA_BASE + entry.entity,
    }
    parts = (
        to_json(head)[:-1],
        b',"data":{"',
        entry.entity.encode(),
        b'":',
        snapshot or b"null",
        b',"change":',
        to_json(fact.change),
        b"}}",
    )
    return b"".join(parts)
