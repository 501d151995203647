"""The words of the stream: what clients send, and what they are sent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json, to_json

from tracker.domain.base import Instant
from tracker.domain.snapshot import (
    AccountSnapshot,
    CallSnapshot,
    CommandPart,
    SourceSnapshot,
)
from tracker.domain.spelt import Spelt
from tracker.domain.terms import Kind
from tracker.domain.wanted import IdempotencyKey, Wanted
from tracker.errors import OutletError
from tracker.fanout.filters import Filter
from tracker.fanout.published import text_frame
from tracker.outlets.faults import Fault, faults_of

Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]

_SHOWN_FAULTS = 3
_CALL = Spelt(r"^[^/]+/[^/]+/[^/]+$", "a call's key: provider/account/id")


class _Incoming(BaseModel):
    """A frame of a client."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Subscribe(_Incoming):
    """Begin a subscription.

    Attributes:
        id: The client's name for it, unique on the socket.
        since: A cursor to resume from.
        snapshot: Send what there is now first; a lost cursor sends it in any case.
        conflate_ms: Hold events so long and send each entity's latest only.
    """

    op: Literal["subscribe"] = "subscribe"
    id: Id
    filter: Filter = Filter()
    since: str | None = None
    snapshot: bool = False
    conflate_ms: int | None = Field(default=None, ge=50, le=60_000)


class Unsubscribe(_Incoming):
    """End a subscription."""

    op: Literal["unsubscribe"] = "unsubscribe"
    id: Id


class Auth(_Incoming):
    """An access token: the first frame, or a newer one before the old one expires."""

    op: Literal["auth"] = "auth"
    token: str


class Ping(_Incoming):
    """Ask for a ``pong``."""

    op: Literal["ping"] = "ping"


class Command(Wanted):
    """Ask for a command; a ``result`` says that it is taken, events what becomes of it.

    Attributes:
        id: The client's name for the asking.
        call: The call's key, as in every public form.
        idempotency_key: The same again, on the same call, changes nothing.
    """

    op: Literal["command"] = "command"
    id: Id
    call: Annotated[str, StringConstraints(max_length=1024), _CALL]
    idempotency_key: IdempotencyKey | None = None


Incoming = Subscribe | Unsubscribe | Auth | Ping | Command

OPS: Final[Mapping[str, type[Incoming]]] = {
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "auth": Auth,
    "ping": Ping,
    "command": Command,
}


class Subscribed(BaseModel):
    """A subscription begins; what it is about comes next, from the cursor on.

    Attributes:
        recovered: Everything since the client's cursor follows. False = what the
            client knew is void.
    """

    op: Literal["subscribed"] = "subscribed"
    id: str
    recovered: bool
    cursor: str
    server_time: Instant


class Snapshot(BaseModel):
    """What there was at the cursor of ``subscribed``, in pages; ended calls are not.

    Attributes:
        more: Another page follows.
    """

    op: Literal["snapshot"] = "snapshot"
    id: str
    calls: tuple[CallSnapshot, ...]
    sources: tuple[SourceSnapshot, ...]
    accounts: tuple[AccountSnapshot, ...]
    more: bool


class Removed(BaseModel):
    """The entity no longer matches the subscription, as of *version*."""

    op: Literal["removed"] = "removed"
    id: str
    key: str
    version: int


class CursorFrame(BaseModel):
    """Everything up to *cursor* has been told, for every subscription.

    Attributes:
        live: False = what is told may be out of date: show states as unknown.
    """

    op: Literal["cursor"] = "cursor"
    cursor: str
    live: bool
    server_time: Instant


class Result(BaseModel):
    """What the client asked for with *of* is done.

    Attributes:
        command: It is taken; how it ends is told by events.
    """

    op: Literal["result"] = "result"
    of: Literal["unsubscribe", "auth", "command"]
    id: str | None = None
    expires_at: Instant | None = None
    command: CommandPart | None = None


class Pong(BaseModel):
    """The answer to a ``ping``."""

    op: Literal["pong"] = "pong"
    server_time: Instant


class Error(BaseModel):
    """A problem (RFC 9457) with the frame that had this *id*; the socket stays.

    Attributes:
        command: The open one, which stands in the way.
        command_id: Of one that nobody answered for: look whether it was taken.
    """

    op: Literal["error"] = "error"
    id: str | None = None
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    command: CommandPart | None = None
    command_id: str | None = None


Outgoing = Subscribed | Snapshot | Removed | CursorFrame | Result | Pong | Error


class FrameError(OutletError):
    """A client's frame cannot be followed; it gets an ``error``.

    Args:
        status: As HTTP has it.
        detail: What to do about it.
        id_: Of the frame.
    """

    def __init__(self, status: HTTPStatus, detail: str, id_: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.id = id_

    def frame(self) -> bytes:
        """The ``error`` that tells the client."""
        error = Error(
            id=self.id,
            title=self.status.phrase,
            status=self.status.value,
            detail=str(self),
        )
        return encode(error)


def is_ping(text: str) -> bool:
    """Whether it only asks for a sign of life."""
    try:
        return isinstance(parse(text), Ping)
    except FrameError:
        return False


def parse(text: str) -> Incoming:
    """What a client says with *text*.

    Raises:
        FrameError: Nothing that there is.
    """
    try:
        data: Any = from_json(text)
    except ValueError as error:
        raise FrameError(HTTPStatus.BAD_REQUEST, "not JSON") from error
    if not isinstance(data, dict):
        raise FrameError(HTTPStatus.BAD_REQUEST, "not a JSON object")
    id_ = data.get("id")
    id_ = id_ if isinstance(id_, str) else None
    kind = OPS.get(str(data.get("op")))
    if kind is None:
        detail = f"no such op; there are {', '.join(OPS)}"
        raise FrameError(HTTPStatus.BAD_REQUEST, detail, id_)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        detail = _words(faults_of(kind, error))
        raise FrameError(HTTPStatus.BAD_REQUEST, detail, id_) from error


def encode(frame: Outgoing) -> bytes:
    """*frame* as the bytes of a WebSocket text frame."""
    return text_frame(frame.model_dump_json(exclude_none=True).encode())


def taken(id_: str, command: CommandPart) -> bytes:
    """A `Result` with a command in its whole public form."""
    head = {"op": "result", "of": "command", "id": id_}
    return text_frame(to_json(head | {"command": command.model_dump(mode="json")}))


def problem(members: Mapping[str, Any], id_: str) -> bytes:
    """An `Error` with the *members* of a problem."""
    words = {"detail": members["title"]}
    return text_frame(to_json({"op": "error", "id": id_} | words | dict(members)))


def removed(id_: str, key: str, version: int) -> bytes:
    """A `Removed`, made without its model: there are many of them."""
    return text_frame(
        to_json({"op": "removed", "id": id_, "key": key, "version": version})
    )


def cursor(text: str, *, live: bool, now: datetime) -> bytes:
    """A `CursorFrame`."""
    return encode(CursorFrame(cursor=text, live=live, server_time=now))


def snapshot(
    id_: str, found: Iterable[tuple[Kind, bytes]], page_bytes: int
) -> Iterator[bytes]:
    """The pages of a `Snapshot`, made by joining bytes.

    Args:
        id_: The subscription's.
        found: Kind and snapshot's JSON of each entity.
        page_bytes: Of a page, about.
    """
    parts, size = _no_parts(), 0
    for kind, item in found:
        if size > page_bytes:
            yield _page(id_, parts, more=True)
            parts, size = _no_parts(), 0
        parts[f"{kind}s"].append(item)
        size += len(item)
    yield _page(id_, parts, more=False)


def _no_parts() -> dict[str, list[bytes]]:
    return {"calls": [], "sources": [], "accounts": []}


def _page(id_: str, parts: Mapping[str, Sequence[bytes]], *, more: bool) -> bytes:
    head = to_json({"op": "snapshot", "id": id_})[:-1]
    lists = (b'"%b":[%b]' % (n.encode(), b",".join(i)) for n, i in parts.items())
    return text_frame(b'%b,%b,"more":%b}' % (head, b",".join(lists), to_json(more)))


def _words(faults: Sequence[Fault]) -> str:
    shown = faults[:_SHOWN_FAULTS]
    return "; ".join(f"{fault.field or 'frame'}: {fault.detail}" for fault in shown)
