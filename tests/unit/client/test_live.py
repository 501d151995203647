"""The map of live calls, and whether it may be believed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tracker.client.follower import Begun, Event, Json, Lost, Mark, Page, Removed
from tracker.client.live import MARK_GRACE_S, LiveCalls

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def call(key: str, version: int = 1, state: str = "active") -> Json:
    return {"key": key, "version": version, "call": {"state": state}}


def event(**data: Any) -> Event:
    return Event({"data": {**data, "change": {}}})


def filled(*calls: Json, clock: Clock | None = None) -> LiveCalls:
    live = LiveCalls(clock or Clock())
    live.apply(Begun(fresh=True))
    live.apply(Page(list(calls), [], [], last=True))
    live.apply(Mark(True, AT))
    return live


def believed(live: LiveCalls) -> bool:
    return live.current


def test_a_snapshot_shows_when_it_is_whole() -> None:
    """Pages replace what was known only when the last has come."""
    live = filled(call("a"))
    live.apply(Begun(fresh=True))
    live.apply(Page([call("b")], [], [], last=False))
    assert set(live.calls) == {"a"}
    assert not believed(live)
    live.apply(Page([call("c")], [{"key": "s"}], [{"key": "t"}], last=True))
    assert set(live.calls) == {"b", "c"}
    assert (set(live.sources), set(live.accounts)) == ({"s"}, {"t"})
    assert believed(live)


def test_events_change_the_map() -> None:
    """The newest version counts, ended calls go, and kinds do not mix."""
    live = filled(call("a", 2))
    live.apply(event(call=call("a", 1)))
    assert live.calls["a"]["version"] == 2
    live.apply(event(call=call("a", 3)))
    assert live.calls["a"]["version"] == 3
    live.apply(event(source={"key": "a", "version": 1}))
    live.apply(event(call=call("a", 4, "ended")))
    assert not live.calls
    assert set(live.sources) == {"a"}


def test_what_no_longer_matches_goes() -> None:
    """A removal takes its entity out, unless a newer version has come."""
    live = filled(call("a", 2), call("b", 2))
    live.apply(Removed("a", 2))
    live.apply(Removed("b", 1))
    live.apply(Removed("z", 1))
    assert set(live.calls) == {"b"}


def test_only_what_is_current_is_believed() -> None:
    """A lost connection, a server that is not live, and silence are not current."""
    clock = Clock()
    live = filled(call("a"), clock=clock)
    assert believed(live)
    live.apply(Mark(False, AT))
    assert not believed(live)
    live.apply(Mark(True, AT))
    live.apply(Lost("gone"))
    assert (believed(live), live.reason) == (False, "gone")
    assert set(live.calls) == {"a"}
    live.apply(Begun(fresh=False))
    assert not believed(live)
    live.apply(Mark(True, AT))
    assert believed(live)
    clock.now_s += MARK_GRACE_S
    assert not believed(live)


def test_time_is_the_servers() -> None:
    """The server's clock goes on between its marks."""
    clock = Clock()
    live = filled(clock=clock)
    clock.now_s += 2.5
    assert live.now() == AT + timedelta(seconds=2.5)
