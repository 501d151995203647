"""A map of live calls that keeps itself up to date."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from tracker.client.follower import (
    Begun,
    Event,
    Json,
    Lost,
    Mark,
    Message,
    Page,
    Removed,
)

KINDS = ("call", "source", "account")

MARK_GRACE_S = 15.0
"""Three times what a server takes between two marks: silence is not current."""


class LiveCalls:
    """What there is, as far as known.

    Attributes:
        connected: There is a connection, and its snapshot is whole.
        live: The server says that what it tells is current.
        reason: Why there is no connection; empty when there is one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.connected = False
        self.live = False
        self.reason = "connecting"
        self._clock = clock
        self._known: dict[str, dict[str, Json]] = _nothing()
        self._coming: dict[str, dict[str, Json]] | None = None
        self._server_time = datetime.now(UTC)
        self._marked_s = clock()

    @property
    def current(self) -> bool:
        """Whether the states may be believed; if not, every one of them is unknown."""
        silent_s = self._clock() - self._marked_s
        return self.connected and self.live and silent_s < MARK_GRACE_S

    @property
    def calls(self) -> Mapping[str, Json]:
        """Snapshots of live calls by key."""
        return MappingProxyType(self._known["call"])

    @property
    def sources(self) -> Mapping[str, Json]:
        """Snapshots of sources by key."""
        return MappingProxyType(self._known["source"])

    @property
    def accounts(self) -> Mapping[str, Json]:
        """Snapshots of accounts by key."""
        return MappingProxyType(self._known["account"])

    def now(self) -> datetime:
        """The time by the server's clock: ages count by it."""
        return self._server_time + timedelta(seconds=self._clock() - self._marked_s)

    def apply(self, message: Message) -> None:
        """Take in what the stream says."""
        match message:
            case Begun(fresh=fresh):
                self._coming = _nothing() if fresh else None
                self.connected, self.reason = not fresh, ""
            case Page():
                self._page(message)
            case Event(body=body):
                self._event(body["data"])
            case Removed(key=key, version=version):
                self._remove(key, version)
            case Mark(live=live, server_time=at):
                self.live, self._server_time = live, at
                self._marked_s = self._clock()
            case Lost(reason=reason):
                self.connected, self.live, self.reason = False, False, reason

    def _page(self, page: Page) -> None:
        if self._coming is None:
            return
        for kind, items in zip(KINDS, page[:3], strict=True):
            self._coming[kind].update((item["key"], item) for item in items)
        if page.last:
            self._known, self._coming, self.connected = self._coming, None, True

    def _event(self, data: Mapping[str, Any]) -> None:
        for kind in KINDS:
            item = data.get(kind)
            if item is None:
                continue
            known = self._known[kind].get(item["key"])
            if known is not None and known["version"] > item["version"]:
                continue
            self._known[kind][item["key"]] = item
            if kind == "call" and item["call"]["state"] == "ended":
                del self._known[kind][item["key"]]

    def _remove(self, key: str, version: int) -> None:
        for kind in KINDS:
            known = self._known[kind].get(key)
            if known is not None and known["version"] <= version:
                del self._known[kind][key]
                return


def _nothing() -> dict[str, dict[str, Json]]:
    return {kind: {} for kind in KINDS}
