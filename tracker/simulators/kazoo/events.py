"""What the socket tells of calls, recordings and documents."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

from tracker.simulators.kazoo.archive import month_of
from tracker.simulators.kazoo.model import (
    Channel,
    Document,
    LiveRecording,
    to_gregorian,
)
from tracker.simulators.kazoo.options import NEWER, KazooOptions
from tracker.simulators.reply import Json

CALL_EVENTS = frozenset(
    {"CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_BRIDGE", "CHANNEL_DESTROY"}
)

_RECORD_EVENTS = frozenset({"RECORD_START", "RECORD_STOP"})
_RECORD_EVENTS_5 = frozenset(
    {"RECORD_MASK", "RECORD_UNMASK", "RECORD_PAUSE", "RECORD_RESUME"}
)


class Event(NamedTuple):
    """Something that is told to whoever has a binding for it.

    Attributes:
        kind: What its bindings begin with.
        key: Of the call or the document.
        month: Of the document; a binding only gets those of its own month.
        owner_id: The user it is about.
    """

    kind: str
    name: str
    key: str
    routing_key: str
    data: Json
    month: str | None = None
    owner_id: str | None = None


def record_events(options: KazooOptions) -> frozenset[str]:
    """The names of those that a release has."""
    return _RECORD_EVENTS | (
        _RECORD_EVENTS_5 if options.release == NEWER else frozenset()
    )


def encode_part(text: str) -> str:
    """A part of a routing key, in which dots part parts."""
    return text.replace("%", "%25").replace(".", "%2E")


def database_of(account: str, month: str) -> str:
    """The name of the database with an account's documents of a month."""
    parts = account[:2], account[2:4], account[4:]
    return "account%2F" + "%2F".join(parts) + "-" + month


class EventWriter:
    """Writes events of one account.

    Args:
        options: Whose, and how much they tell.
        clock: Unix seconds.
    """

    def __init__(self, options: KazooOptions, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock
        self._numbers = itertools.count(1)

    def call(self, channel: Channel, name: str) -> Event:
        """A moment in a channel's life."""
        data = self._call_data(channel, name)
        if name == "CHANNEL_DESTROY":
            data |= self._ending(channel)
        elif name == "CHANNEL_BRIDGE":
            data["other_leg_call_id"] = channel.other_leg
        return self._call_event(channel, name, data)

    def record(self, channel: Channel, recording: LiveRecording, name: str) -> Event:
        """A moment in a recording's life."""
        file_path = f"/recordings/{recording.id[7:]}.mp3"
        milliseconds = round(recording.recorded_s * 1000)
        told = {
            "id": recording.id,
            "name": recording.parameters.get("media_name", f"{recording.id[7:]}.mp3"),
            "origin": recording.origin,
            "file_path": file_path,
        }
        data = self._call_data(channel, name)
        data |= {"application_name": "record", "application_response": file_path}
        if name == "RECORD_STOP":
            told |= {
                "file_seconds": str(milliseconds // 1000),
                "file_milliseconds": str(milliseconds),
            }
            data["length"] = str(milliseconds)
        data["recording"] = told
        return self._call_event(channel, name, data)

    def doc_created(self, document: Document) -> Event:
        """A recording's document that was saved."""
        return self._saved(
            document.id, "call_recording", document.saved_at_s, document.of.owner_id
        )

    def other_doc_created(self, kind: str) -> Event:
        """A document of another kind that was saved now."""
        now_s = self._clock()
        return self._saved(f"{month_of(now_s)}-{next(self._numbers):032x}", kind, now_s)

    def _saved(
        self, document_id: str, kind: str, at_s: float, owner_id: str | None = None
    ) -> Event:
        saved_at, month = to_gregorian(at_s), document_id[:6]
        database = database_of(self._options.account, month)
        data = {
            "id": document_id,
            "type": kind,
            "database": database,
            "rev": "1-967a00dff5e02add41819138abb3284d",
            "account_id": self._options.account,
            "date_modified": saved_at,
            "date_created": saved_at,
            "is_soft_deleted": False,
            "event_name": "doc_created",
            "event_category": "configuration",
        }
        routing_key = f"doc_created.{database}.{kind}.{document_id}"
        return Event(
            "object", "doc_created", document_id, routing_key, data, month, owner_id
        )

    def _call_event(self, channel: Channel, name: str, data: Json) -> Event:
        key = encode_part(channel.id)
        routing_key = f"call.{self._options.account}.{name}.{key}"
        return Event(
            "call", name, channel.id, routing_key, data, owner_id=channel.owner_id
        )

    def _call_data(self, channel: Channel, name: str) -> Json:
        variables = {"account_id": self._options.account}
        if channel.owner_id is not None:
            variables["owner_id"] = channel.owner_id
        data: Json = {
            "call_id": channel.id,
            "call_direction": channel.direction,
            "timestamp": to_gregorian(self._clock()),
            "custom_channel_vars": variables,
            "event_category": "call_event",
            "event_name": name,
            "msg_id": f"{next(self._numbers):016x}",
            "app_name": "ecallmgr",
            "app_version": f"{self._options.release}.0.0",
        }
        if self._options.tells_more:
            variables["call_interaction_id"] = channel.interaction_id
            data |= {
                "caller_id_number": channel.from_number,
                "callee_id_number": channel.to_number,
                "other_leg_call_id": channel.other_leg,
            }
        return data

    def _ending(self, channel: Channel) -> Json:
        now_s = self._clock()
        answered_at_s = channel.answered_at_s
        billed_s = 0.0 if answered_at_s is None else now_s - answered_at_s
        return {
            "hangup_cause": channel.hangup_cause,
            "duration_seconds": str(int(now_s - channel.began_at_s)),
            "billing_seconds": str(int(billed_s)),
            "media_recordings": list(channel.media_recordings),
        }
