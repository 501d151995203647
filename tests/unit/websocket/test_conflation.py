"""Conflated subscriptions, against an oracle; and next to plain ones on a socket."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.fanout.world import EPOCH, entry, view
from tests.unit.websocket.loopback import NOW, Json, Loopback
from tracker.domain.event import PREFIX
from tracker.fanout.cursor import Cursor, Place, Position
from tracker.fanout.events import expand
from tracker.fanout.published import Published
from tracker.outlets.websocket import frames
from tracker.outlets.websocket.subscription import Subscription
from tracker.store.outbox import Tailed

CURSOR = frames.cursor("e1~9-9", live=True, now=NOW)
CHANGED, CONFIRMED = "tracker.call.changed", "tracker.command.confirmed"


def event(number: int, call: int, type_: str = CHANGED) -> Published:
    """The *number*-th event of partition 0, about a call."""
    seen = view(f"genesys/acme/c{call}", "ann")
    header = entry(seen, seen, number, (type_,))
    (made,) = expand(Tailed(0, f"{number}-0", header, b"{}"), EPOCH)
    return made


def subscription(loopback: Loopback, id_: str, **fields: Any) -> Subscription:
    """One that is told from now on."""
    begun = loopback.subscribe(id_, **fields).subscription
    loopback.session.joined(begun, Cursor(EPOCH, (Place(0, 0),)))
    return begun


def summary(told: Sequence[Json]) -> list[tuple[str, str]]:
    """What was told, each as a word and a position, key or nothing."""
    return [
        (str(frame.get("op", "event")), str(frame.get("key", frame.get("id", ""))))
        for frame in told
    ]


def position(number: int) -> str:
    return str(Position(EPOCH, 0, Place(number, 0)))


def oracle(window: Sequence[tuple[int, str]]) -> list[tuple[str, str]]:
    """Each call's last word in its place; commands as they come; then the cursor."""
    last = {call: n for n, (call, kind) in enumerate(window, 1) if kind != "command"}
    told = [
        ("removed", f"genesys/acme/c{call}")
        if kind == "removed"
        else ("event", position(number))
        for number, (call, kind) in enumerate(window, 1)
        if kind == "command" or last[call] == number
    ]
    return [*told, ("cursor", "")]


windows = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(("event", "removed", "command"))),
    max_size=15,
)


@given(windows)
def test_a_window_is_flushed_as_the_oracle_says(window: list[tuple[int, str]]) -> None:
    """The latest of each entity in position order, every command event, the cursor."""
    loopback = Loopback()
    told = subscription(loopback, "s", conflate_ms=100)
    for number, (call, kind) in enumerate(window, 1):
        made = event(number, call, CONFIRMED if kind == "command" else CHANGED)
        if kind == "removed":
            told.removed(made)
        else:
            told.deliver(made)
    assert loopback.told() == []
    assert loopback.wakes == ([0.1] if window else [])
    loopback.session.cursor(CURSOR)
    assert summary(loopback.told()) == oracle(window)


def test_a_flushed_window_is_over() -> None:
    """Nothing is sent twice; the next event opens a window of its own."""
    loopback = Loopback()
    told = subscription(loopback, "s", conflate_ms=100)
    told.deliver(event(1, 1))
    loopback.session.cursor(CURSOR)
    loopback.told()
    loopback.session.cursor(CURSOR)
    assert summary(loopback.told()) == [("cursor", "")]
    told.deliver(event(2, 1))
    assert loopback.wakes == [0.1, 0.1]


def test_two_conflated_subscriptions_share_one_copy() -> None:
    """An event that both hold is flushed once."""
    loopback = Loopback()
    first = subscription(loopback, "a", conflate_ms=100)
    second = subscription(loopback, "b", conflate_ms=100)
    made = event(1, 1)
    first.deliver(made)
    second.deliver(made)
    loopback.session.cursor(CURSOR)
    assert summary(loopback.told()) == [("event", position(1)), ("cursor", "")]


@pytest.mark.parametrize("plain_first", [True, False])
def test_what_a_plain_subscription_sends_is_not_held_for_the_other(
    *, plain_first: bool
) -> None:
    """Neither the event itself nor an older one of its entity comes later."""
    loopback = Loopback()
    plain = subscription(loopback, "a")
    held = subscription(loopback, "b", conflate_ms=100)
    held.deliver(event(1, 1))
    held.deliver(event(2, 2))
    made = event(3, 1, CONFIRMED)
    both = (plain, held) if plain_first else (held, plain)
    for one in both:
        one.deliver(made)
    assert summary(loopback.told()) == [("event", position(3))]
    loopback.session.cursor(CURSOR)
    assert summary(loopback.told()) == [("event", position(2)), ("cursor", "")]


def test_what_another_one_missed_is_not_told_in_place_of_what_is_newer() -> None:
    """An old event comes late, to a subscription that resumes."""
    loopback = Loopback()
    held = subscription(loopback, "a", conflate_ms=100)
    resumed = subscription(loopback, "b")
    held.deliver(event(2, 1))
    resumed.deliver(event(1, 1))
    loopback.session.cursor(CURSOR)
    assert summary(loopback.told()) == [
        ("event", position(1)),
        ("event", position(2)),
        ("cursor", ""),
    ]


def test_a_removal_is_told_though_others_still_see_the_entity() -> None:
    """What a plain subscription is sent does not undo the other's removal."""
    loopback = Loopback()
    plain = subscription(loopback, "a")
    held = subscription(loopback, "b", conflate_ms=100)
    held.removed(event(1, 1))
    plain.deliver(event(2, 1))
    loopback.session.cursor(CURSOR)
    told = summary(loopback.told())
    assert told == [
        ("event", position(2)),
        ("removed", "genesys/acme/c1"),
        ("cursor", ""),
    ]


def test_an_entity_that_came_back_was_not_removed() -> None:
    """It is sent for the plain one; the held removal is void."""
    loopback = Loopback()
    plain = subscription(loopback, "a")
    held = subscription(loopback, "b", conflate_ms=100)
    held.removed(event(1, 1))
    back = event(2, 1)
    plain.deliver(back)
    held.deliver(back)
    loopback.session.cursor(CURSOR)
    assert summary(loopback.told()) == [("event", position(2)), ("cursor", "")]


def test_unsubscribing_drops_what_is_held() -> None:
    """Nobody waits for it any more."""
    loopback = Loopback()
    subscription(loopback, "s", conflate_ms=100).deliver(event(1, 1))
    loopback.say(op="unsubscribe", id="s")
    loopback.session.cursor(CURSOR)
    assert [op for op, _ in summary(loopback.told())] == ["result"]


def test_a_call_and_a_source_of_one_key_are_two_entities() -> None:
    """Neither supersedes the other."""
    key = "genesys/acme/jdoe"
    loopback = Loopback()
    told = subscription(loopback, "s", conflate_ms=100)
    for number, seen in enumerate((view(key), view(key, kind="source", state=None)), 1):
        types = (PREFIX + "call.changed",)
        header = entry(seen, seen, number, types)
        (made,) = expand(Tailed(0, f"{number}-0", header, b"{}"), EPOCH)
        told.deliver(made)
    loopback.session.cursor(CURSOR)
    assert len(loopback.told()) == 3
