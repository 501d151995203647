"""What frames mean to a subscription, over any number of connections."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tracker.client.follower import (
    Begun,
    Event,
    Follower,
    Mark,
    Page,
    Removed,
    SubscriptionError,
)
from tracker.errors import PositionLostError
from tracker.fanout.cursor import Cursor
from tracker.fanout.filters import Filter

START = "e~5-0~5-0"


def frame(op: str, **more: Any) -> str:
    return json.dumps({"op": op, "id": "1", **more})


def subscribed(cursor: str = START, *, recovered: bool = False) -> str:
    return frame("subscribed", cursor=cursor, recovered=recovered)


def page(*, more: bool = False) -> str:
    return frame("snapshot", calls=[{"key": "a"}], sources=[], accounts=[], more=more)


def event(position: str) -> str:
    return json.dumps({"id": position, "data": {}})


def begun(*, snapshot: bool = False) -> Follower:
    follower = Follower(Filter(), snapshot=snapshot)
    follower.receive(subscribed())
    if snapshot:
        follower.receive(page())
    return follower


def asked(follower: Follower) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(follower.subscribe())
    return parsed


def test_it_asks_for_its_filter_from_now() -> None:
    """The first subscription has the filter and no cursor."""
    follower = Follower(Filter(agents=frozenset({"a"})), snapshot=True)
    assert asked(follower) == {
        "op": "subscribe",
        "id": "1",
        "filter": {"agents": ["a"]},
        "snapshot": True,
    }


def test_it_resumes_behind_the_last_event() -> None:
    """Every event moves the cursor on, and so does a mark."""
    follower = begun()
    assert follower.receive(event("e.1.6-0.1")) is not None
    assert asked(follower)["since"] == "e~5-0~6-0.1"
    follower.receive(subscribed(recovered=True))
    at = "2026-01-01T12:00:00Z"
    mark = frame("cursor", cursor="e~7-0~7-0", live=True, server_time=at)
    assert follower.receive(mark) == Mark(True, datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert asked(follower)["since"] == "e~7-0~7-0"


def test_repeats_are_left_out() -> None:
    """An event that the cursor covers is not told again."""
    follower = begun()
    assert isinstance(follower.receive(event("e.0.6-0.1")), Event)
    assert follower.receive(event("e.0.6-0.1")) is None
    assert follower.receive(event("e.0.4-0")) is None
    assert isinstance(follower.receive(event("e.0.6-0.2")), Event)
    assert isinstance(follower.receive(event("e.1.6-0")), Event)


def test_a_resume_goes_on() -> None:
    """A recovered subscription keeps its own cursor and voids nothing."""
    follower = begun(snapshot=True)
    follower.receive(event("e.0.6-0"))
    follower.subscribe()
    assert follower.receive(subscribed("e~6-0~5-0", recovered=True)) == Begun(False)
    assert str(follower.cursor) == "e~6-0~5-0"


def test_half_a_snapshot_is_asked_for_again() -> None:
    """Until its last page has come there is nothing to resume from."""
    follower = Follower(Filter(), snapshot=True)
    assert follower.receive(subscribed()) == Begun(fresh=True)
    first = follower.receive(page(more=True))
    assert first == Page([{"key": "a"}], [], [], last=False)
    assert "since" not in asked(follower)
    follower.receive(subscribed())
    assert follower.receive(page()) == Page([{"key": "a"}], [], [], last=True)
    assert asked(follower)["since"] == START


def test_a_loss_without_snapshots_is_an_error() -> None:
    """Who wants each event exactly once is told that some are missing."""
    with pytest.raises(PositionLostError):
        begun().receive(subscribed())
    since = Follower(Filter(), Cursor.parse(START), snapshot=False)
    with pytest.raises(PositionLostError):
        since.receive(subscribed())


def test_a_loss_with_snapshots_begins_again() -> None:
    """Who keeps a map gets a new one, from its cursor on."""
    follower = begun(snapshot=True)
    assert follower.receive(subscribed("f~1-0")) == Begun(fresh=True)
    follower.receive(page())
    assert asked(follower)["since"] == "f~1-0"


def test_removed_and_unknown_words() -> None:
    """An entity that left is named; what a newer server adds is passed over."""
    assert begun().receive(frame("removed", key="k", version=3)) == Removed("k", 3)
    assert begun().receive(frame("pong")) is None
    assert begun().receive(frame("error", id=None, status=401)) is None


@pytest.mark.parametrize(
    ("status", "retryable"), [(503, True), (429, True), (403, False)]
)
def test_a_refusal_is_an_error(status: int, retryable: bool) -> None:
    """The server's no has its status, which tells whether to come back."""
    with pytest.raises(SubscriptionError, match="why") as refused:
        begun().receive(frame("error", id="1", status=status, detail="why"))
    assert refused.value.retryable is retryable


def test_a_cursor_from_before_the_subscription_moves_nothing() -> None:
    """What was missed comes behind it: it is not a repeat."""
    follower = begun()
    asked(follower)
    at = datetime.now(UTC).isoformat()
    ahead = frame("cursor", cursor="e~9-0~9-0", live=True, server_time=at)
    assert isinstance(follower.receive(ahead), Mark)
    assert follower.receive(subscribed(recovered=True)) == Begun(fresh=False)
    assert isinstance(follower.receive(event("e.0.6-0")), Event)
