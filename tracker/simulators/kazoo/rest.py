"""What is answered to whoever has a token, without HTTP."""

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from tracker.simulators.kazoo.archive import Key, Range, Wanted, parse_key, write_key
from tracker.simulators.kazoo.metaflow import (
    START,
    STOP,
    Flaw,
    flaws_of,
    parameters_of,
)
from tracker.simulators.kazoo.model import GREGORIAN_S, Channel, Document, to_gregorian
from tracker.simulators.kazoo.options import NEWER, KazooOptions
from tracker.simulators.kazoo.store import RecordingStore
from tracker.simulators.kazoo.switch import Switch
from tracker.simulators.kazoo.wire import (
    Answer,
    Wire,
    bad_identifier,
    invalid,
    no_identifier,
)
from tracker.simulators.reply import Json

MOST_RANGE_S = 2_682_000
"""31 days and an hour."""

_PAGE_SIZE = 50
_RECORDING_ID = re.compile(r"\d{4}(0[1-9]|1[0-2])-.+")
_TRUE = "true"

_RECORD_ACTIONS = {
    "start_record": (START, "recording started"),
    "stop_record": (STOP, "recording stopped"),
}


class Accepted(NamedTuple):
    """Something about a channel that will be tried."""

    channel: Channel
    parameters: Json


class _InvalidError(ValueError):
    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw


class Rest:
    """The resources of one account."""

    def __init__(
        self,
        options: KazooOptions,
        clock: Callable[[], float],
        store: RecordingStore,
        switch: Switch,
        wire: Wire,
    ) -> None:
        self._options = options
        self._clock = clock
        self._store = store
        self._switch = switch
        self._wire = wire

    def recordings(self, query: Mapping[str, str], user_id: str | None) -> Answer:
        """A page of the recordings; None as user: of everybody's."""
        if user_id is not None and user_id not in self._switch.users:
            return bad_identifier(user_id)
        try:
            range_, start = self._range(query), _start(query)
            size = None if query.get("paginate") == "false" else _page_size(query)
        except _InvalidError as error:
            return invalid([error.flaw])
        wanted = self._filter(query, user_id)
        page = self._store.archive.page(range_, wanted, start, size)
        listed, has_audio = self._wire.listed, self._store.has_audio
        data = [listed(it, has_audio=has_audio(it)) for it in page.documents]
        if size is None:
            return Answer(HTTPStatus.OK, data)
        first: Key = ("", range_.from_s if range_.ascending else range_.to_s, "")
        paging: Json = {
            "page_size": len(data),
            "start_key": query.get("start_key") or write_key(first),
        }
        if page.next:
            paging["next_start_key"] = write_key(page.next)
        return Answer(HTTPStatus.OK, data, paging=paging)

    def find(self, recording_id: str) -> Document | Answer:
        """A stored recording, or why there is none."""
        if not _RECORDING_ID.fullmatch(recording_id):
            return no_identifier(recording_id)
        document = self._store.archive.by_id.get(recording_id)
        return document or bad_identifier(recording_id)

    def recording(self, document: Document) -> Answer:
        """Its document."""
        return Answer(HTTPStatus.OK, self._wire.document(document))

    def delete(self, document: Document) -> Answer:
        """Forget it; what is answered is what it was."""
        answer = self.recording(document)
        self._store.delete(document)
        return answer

    def patch(self, document: Document, body: Json) -> Answer:
        """Add to its user_metadata."""
        data = body.get("data")
        metadata = data.get("user_metadata") if isinstance(data, dict) else None
        if not isinstance(metadata, dict):
            flaw = Flaw("user_metadata", "type", "not an object", metadata)
            return invalid([flaw])
        document.user_metadata = {**(document.user_metadata or {}), **metadata}
        return self.recording(document)

    def channels(self) -> Answer:
        """All live channels."""
        live = self._switch.channels.values()
        return Answer(HTTPStatus.OK, [self._wire.listed_channel(it) for it in live])

    def channel(self, channel_id: str) -> Answer:
        """One live channel."""
        channel = self._switch.channels.get(channel_id)
        if channel is None:
            return bad_identifier(channel_id)
        return Answer(HTTPStatus.OK, self._wire.channel(channel))

    def metaflow(self, channel_id: str, body: Json) -> tuple[Answer, Accepted | None]:
        """Ask a channel to do something.

        Returns:
            The answer, and what was accepted, if anything was.
        """
        channel = self._switch.channels.get(channel_id)
        if channel is None:
            return bad_identifier(channel_id), None
        action, asked = body.get("action"), body.get("data")
        if action != "metaflow":
            return invalid([Flaw("action", "enum", "not metaflow", action)]), None
        if flaws := flaws_of(asked, self._options.release):
            return invalid(flaws), None
        accepted = Accepted(channel, parameters_of(body["data"]))
        return Answer(HTTPStatus.ACCEPTED, "metaflow sent"), accepted

    def order(self, channel_id: str, body: Json) -> tuple[Answer, Accepted | None]:
        """Start or stop a recording the newer way; returns as `metaflow` does."""
        channel = self._switch.channels.get(channel_id)
        if channel is None:
            return bad_identifier(channel_id), None
        data = body.get("data")
        action: Any = data.get("action") if isinstance(data, dict) else None
        known = _RECORD_ACTIONS if self._options.release == NEWER else {}
        if action not in known:
            return invalid([Flaw("action", "enum", "not an action", action)]), None
        meant, said = known[action]
        parameters = parameters_of({"data": {"action": meant}})
        return Answer(HTTPStatus.ACCEPTED, said), Accepted(channel, parameters)

    def _range(self, query: Mapping[str, str]) -> Range:
        """Where only one end is given, the other is now or as early as may be."""
        now = to_gregorian(self._clock())
        to = _integer(query, "created_to", now)
        from_ = _integer(query, "created_from", to - MOST_RANGE_S)
        if from_ > to:
            message = f"created_to {to} lies before created_from {from_}"
            raise _InvalidError(Flaw("created_from", "date_range", message, to))
        if to - from_ > MOST_RANGE_S:
            message = (
                f"created_to {to} is more than {MOST_RANGE_S} seconds "
                f"from created_from {from_}"
            )
            raise _InvalidError(Flaw("created_from", "date_range", message, to))
        ascending = query.get("ascending") == _TRUE
        return Range(from_ - GREGORIAN_S, to - GREGORIAN_S, ascending)

    def _filter(self, query: Mapping[str, str], user_id: str | None) -> Wanted:
        prefix = "filter_"
        given = query.items()
        asked = {k.removeprefix(prefix): v for k, v in given if k.startswith(prefix)}

        def is_wanted(document: Document) -> bool:
            if user_id is not None and document.of.owner_id != user_id:
                return False
            said = self._wire.document(document) if asked else {}
            return all(str(said.get(key)) == value for key, value in asked.items())

        return is_wanted


def parse_body(body: bytes) -> Json | None:
    """A request's body; None: it is no JSON object."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _start(query: Mapping[str, str]) -> Key | None:
    text = query.get("start_key")
    if not text:
        return None
    try:
        key = parse_key(text)
    except ValueError as error:
        flaw = Flaw("start_key", "type", "not a start key", text)
        raise _InvalidError(flaw) from error
    return key if key[0] else None


def _page_size(query: Mapping[str, str]) -> int:
    size = _integer(query, "page_size", _PAGE_SIZE)
    if size < 1:
        raise _InvalidError(Flaw("page_size", "minimum", "less than 1", size))
    return size


def _integer(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise _InvalidError(Flaw(name, "type", "not an integer", text)) from error
