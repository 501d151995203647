"""What the simulated server says over HTTP, in the shapes of the documents."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import uuid4

from tracker.simulators.kazoo.audio import CONTENT_TYPES
from tracker.simulators.kazoo.metaflow import Flaw
from tracker.simulators.kazoo.model import Channel, Document, to_gregorian
from tracker.simulators.kazoo.options import NEWER, KazooOptions
from tracker.simulators.reply import Json

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Answer(NamedTuple):
    """What is answered, before it is in its envelope.

    Attributes:
        error: In short, what went wrong; None: nothing.
        paging: What a listing adds to the envelope.
    """

    status: int
    data: Any
    error: str | None = None
    paging: Mapping[str, Any] = _NOTHING


class Asker(NamedTuple):
    """What a request says of who sends it.

    Attributes:
        token: As it was sent, or was just given; None: none.
        left: How many requests may follow at once.
    """

    token: str | None
    left: int


INVALID_CREDENTIALS = Answer(
    HTTPStatus.UNAUTHORIZED, {"message": "invalid credentials"}, "invalid_credentials"
)
TOO_MANY = Answer(
    HTTPStatus.TOO_MANY_REQUESTS, {"message": "too many requests"}, "too_many_requests"
)
NOT_FOUND = Answer(HTTPStatus.NOT_FOUND, {"message": "not found"}, "not_found")
NOT_ALLOWED = Answer(
    HTTPStatus.METHOD_NOT_ALLOWED, {"message": "method not allowed"}, "invalid_method"
)


def bad_identifier(cause: str) -> Answer:
    """Nothing has this id."""
    data = {"message": "bad identifier", "cause": cause}
    return Answer(HTTPStatus.NOT_FOUND, data, "bad_identifier")


def no_identifier(text: str) -> Answer:
    """This is no id that anything could have."""
    return Answer(HTTPStatus.NOT_FOUND, [text], "bad identifier")


def no_audio(document_id: str) -> Answer:
    """The document is there, and no audio is with it."""
    data = {"message": "bad identifier", "details": document_id}
    return Answer(HTTPStatus.NOT_FOUND, data, "bad_identifier")


def invalid(flaws: Iterable[Flaw]) -> Answer:
    """What is wrong with a request, by field and rule."""
    data: dict[str, dict[str, Json]] = {}
    for flaw in flaws:
        said: Json = {"message": flaw.message}
        if flaw.cause is not None:
            said["cause"] = flaw.cause
        data.setdefault(flaw.field, {})[flaw.rule] = said
    return Answer(HTTPStatus.BAD_REQUEST, data, "validation error")


class Wire:
    """Says it for one account.

    Args:
        options: What kind of server it is.
        clock: Unix seconds.
    """

    def __init__(self, options: KazooOptions, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock

    def envelope(self, answer: Answer, asker: Asker) -> Json:
        """An answer in its envelope."""
        return {"data": answer.data, **self._rest(answer, asker)}

    def chunks(self, answer: Answer, asker: Asker) -> Iterator[str]:
        """A listing in its envelope, as it is streamed: all but the data is quoted."""
        before = '{"data":['
        for item in answer.data:
            yield before + json.dumps(item, separators=(",", ":"))
            before = ","
        if not answer.data:
            yield before
        rest = self._rest(answer, asker)
        rest.pop("tokens", None)
        quoted = (f",{json.dumps(key)}:{json.dumps(str(rest[key]))}" for key in rest)
        yield "]" + "".join(quoted) + "}"

    def document(self, document: Document) -> Json:
        """A stored recording."""
        of, realm = document.of, self._options.account_realm
        said = {
            "id": document.id,
            "name": document.name,
            "description": f"recording {document.name}",
            "content_type": CONTENT_TYPES[of.format],
            "media_type": f".{of.format}",
            "media_source": "recorded",
            "source_type": "media_recording",
            "from": f"{of.from_number}@{realm}",
            "to": f"{of.to_number}@{realm}",
            "request": f"{of.to_number}@{realm}",
            "direction": of.direction,
            "start": to_gregorian(document.start_at_s),
            "duration": of.duration_ms // 1000,
            "duration_ms": of.duration_ms,
            "caller_id_number": of.from_number,
            "caller_id_name": of.from_number,
            "callee_id_number": of.to_number,
            "callee_id_name": of.to_number,
            "call_id": of.call_id,
            "cdr_id": f"{document.month}-{of.call_id}",
            "interaction_id": of.interaction_id,
            "origin": of.origin,
            "custom_channel_vars": {},
        }
        if of.owner_id is not None:
            said |= {"owner_id": of.owner_id, "endpoint_id": of.owner_id[::-1]}
        if of.url is not None:
            said["url"] = of.url
        if self._options.release == NEWER:
            said["account_id"] = self._options.account
            if document.user_metadata is not None:
                said["user_metadata"] = document.user_metadata
        return said

    def listed(self, document: Document, *, has_audio: bool) -> Json:
        """The same in a listing, which also says what can be downloaded."""
        types = [CONTENT_TYPES[document.of.format]] if has_audio else []
        return {**self.document(document), "_read_only": {"content_types": types}}

    def listed_channel(self, channel: Channel) -> Json:
        """A live channel in a listing."""
        said: Json = {
            "answered": channel.answered_at_s is not None,
            "destination": channel.to_number,
            "direction": channel.direction,
            "timestamp": to_gregorian(channel.began_at_s),
            "uuid": channel.id,
        }
        if channel.other_leg is not None:
            said["other_leg"] = channel.other_leg
        if channel.owner_id is not None:
            said["owner_id"] = channel.owner_id
        if self._options.tells_more:
            said["interaction_id"] = channel.interaction_id
        return said

    def channel(self, channel: Channel) -> Json:
        """A live channel's detail; of its recording it says nothing."""
        said = self.listed_channel(channel)
        said.pop("other_leg", None)
        variables = {"account_id": self._options.account}
        if channel.owner_id is not None:
            variables["owner_id"] = channel.owner_id
        return {
            **said,
            "custom_channel_vars": variables,
            "elapsed_seconds": int(self._clock() - channel.began_at_s),
            "interaction_id": channel.interaction_id,
            "is_on_hold": channel.is_on_hold,
            "other_leg_call_id": channel.other_leg,
        }

    def _rest(self, answer: Answer, asker: Asker) -> Json:
        """Everything of an envelope but the data."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        rest: Json = {**answer.paging}
        if answer.error is None:
            rest["tokens"] = {"consumed": 1, "remaining": asker.left}
        else:
            rest |= {"error": str(int(answer.status)), "message": answer.error}
        if asker.token is not None:
            rest["auth_token"] = asker.token
        return {
            **rest,
            "request_id": uuid4().hex,
            "node": "simulator",
            "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "version": f"{self._options.release}.0.0",
            "revision": "simulator",
            "status": "error" if answer.error else "success",
        }
