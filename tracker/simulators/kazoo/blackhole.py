"""What one socket's client says and gets, without the socket."""

import json
from collections.abc import Callable, Mapping
from itertools import count

from tracker.simulators.faults import Fault, FaultBoard, FaultKind
from tracker.simulators.kazoo.archive import month_of
from tracker.simulators.kazoo.events import (
    CALL_EVENTS,
    Event,
    database_of,
    encode_part,
    record_events,
)
from tracker.simulators.kazoo.options import NEWER, KazooOptions
from tracker.simulators.reply import Json

_REFUSE = frozenset({FaultKind.REFUSE})
_DOCUMENT_TYPES = ("*", "call_recording")


class FrameError(Exception):
    """A client's frame is answered with an error, which is its text."""


class Session:
    """One client: who it is, and what it wants to be told.

    Attributes:
        bindings: By binding, the month in which it was made.
        is_authenticated: It has once shown a good token, and is not asked again.

    Args:
        options: What kind of server it is.
        clock: Unix seconds.
        admits: Whether a token is good now.
        faults: Whose refusals strike subscriptions.
    """

    def __init__(
        self,
        options: KazooOptions,
        clock: Callable[[], float],
        admits: Callable[[str | None], bool],
        faults: FaultBoard,
    ) -> None:
        self.bindings: dict[str, str] = {}
        self.is_authenticated = False
        self._options = options
        self._clock = clock
        self._admits = admits
        self._faults = faults
        self._numbers = count(1)
        self._actions: Mapping[str, Callable[[Json], Json]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "ping": lambda _data: {"response": "pong"},
        }

    def receive(self, frame: Json) -> Json:
        """The reply to what a client sent."""
        request_id = frame.get("request_id") or f"sim-{next(self._numbers)}"
        try:
            status, data = "success", self._perform(frame)
        except FrameError as error:
            status, data = "error", {"errors": [str(error)]}
        told = {"action": "reply", "request_id": request_id}
        return {**told, "status": status, "data": data}

    def binding_for(self, event: Event) -> str | None:
        """Which of its bindings an event is for; None: it does not want it."""
        keys = ("*", event.key, encode_part(event.key))
        if event.kind == "object":
            keys = ("*", event.data["type"], "")
        for binding in (f"{event.kind}.{event.name}.{key}" for key in keys):
            month = self.bindings.get(binding)
            if month is not None and event.month in (None, month):
                return binding
        return None

    def frame(self, event: Event, binding: str) -> Json:
        """An event, as it is told to whom it is for."""
        _, _, key = binding.split(".", 2)
        if event.kind == "call":
            subscription = f"call.{self._options.account}.{event.name}.{key}"
        else:
            database = database_of(self._options.account, self.bindings[binding])
            subscription = f"{event.name}.{database}.{key}.*"
        return {
            "action": "event",
            "subscribed_key": binding,
            "subscription_key": subscription,
            "name": event.name,
            "routing_key": event.routing_key,
            "data": event.data,
        }

    def _perform(self, frame: Json) -> Json:
        self._authenticate(frame.get("auth_token"))
        action = self._actions.get(str(frame.get("action")))
        if action is None:
            message = f"unknown action {frame.get('action')}"
            raise FrameError(message)
        data = frame.get("data", {})
        if not isinstance(data, dict):
            raise FrameError("data is no object")
        return action(data)

    def _authenticate(self, token: object) -> None:
        if not self.is_authenticated:
            self.is_authenticated = isinstance(token, str) and self._admits(token)
        if not self.is_authenticated:
            message = f"failed to authenticate token {token}"
            raise FrameError(message)

    def _subscribe(self, data: Json) -> Json:
        asked = self._asked(data)
        for binding in asked:
            self._check(binding)
        month = month_of(self._clock())
        self.bindings |= dict.fromkeys(asked, month)
        if self._options.release == NEWER:
            return {"subscribed": asked, "subscriptions": list(self.bindings)}
        return {"subscribed": asked}

    def _unsubscribe(self, data: Json) -> Json:
        had = [binding for binding in self._asked(data) if binding in self.bindings]
        for binding in had:
            del self.bindings[binding]
        left = "subscriptions" if self._options.release == NEWER else "subscribed"
        return {"unsubscribed": had, left: list(self.bindings)}

    def _asked(self, data: Json) -> list[str]:
        """The bindings that a frame is about.

        Raises:
            FrameError: There are none, or they are not this account's.
        """
        account = data.get("account_id", self._options.account)
        if account != self._options.account:
            message = f"not allowed to bind to account {account}"
            raise FrameError(message)
        asked = data.get("bindings") if self._options.release == NEWER else None
        if asked is None and data.get("binding"):
            asked = [data["binding"]]
        if not isinstance(asked, list) or not asked:
            raise FrameError("no binding")
        return [str(binding) for binding in asked]

    def _check(self, binding: str) -> None:
        """Raise a `FrameError` unless there is such a binding."""
        if self._faults.take(_REFUSE, binding, None):
            message = f"binding {binding} refused"
            raise FrameError(message)
        kind, _, rest = binding.partition(".")
        name, _, key = rest.partition(".")
        if kind == "call" and key:
            allowed = CALL_EVENTS
            if self._options.record_events:
                allowed |= record_events(self._options)
            if name not in allowed:
                message = f"event {name} not supported"
                raise FrameError(message)
        elif kind != "object" or name != "doc_created" or key not in _DOCUMENT_TYPES:
            message = f"binding {binding} not supported"
            raise FrameError(message)


def parse_frame(text: str) -> Json | None:
    """What a client sent; None: it is no JSON object."""
    try:
        frame = json.loads(text)
    except ValueError:
        return None
    return frame if isinstance(frame, dict) else None


def garbage(fault: Fault) -> str:
    """What is sent in the place of a frame."""
    return {"html": "<html>", "empty": "", "broken": '{"action":"ev'}[fault.body]
