"""Alarms of calls."""

from datetime import UTC, datetime
from weakref import WeakSet

from tests.unit.domain.life import second
from tracker.keep.clock import Clock


def test_alarms_ring_once_in_their_order() -> None:
    """When their time has come."""
    clock = Clock()
    clock.set("b", second(2))
    clock.set("a", second(1))
    clock.set("c", second(3))
    assert clock.ring(second(0.9)) == []
    assert clock.ring(second(2)) == ["a", "b"]
    assert clock.ring(second(2)) == []
    assert clock.ring(second(9)) == ["c"]


def test_a_new_alarm_replaces_the_old() -> None:
    """Whether it is earlier or later, or none."""
    clock = Clock()
    clock.set("a", second(1))
    clock.set("a", second(5))
    clock.set("b", second(5))
    clock.set("b", second(1))
    clock.set("c", second(1))
    clock.set("c", None)
    assert clock.ring(second(1)) == ["b"]
    assert clock.ring(second(5)) == ["a"]


class Due(datetime):
    """One that a test can see being let go."""


def test_alarms_that_were_replaced_are_let_go() -> None:
    """Not only when their time would have come."""
    clock, kept = Clock(), WeakSet[Due]()

    def wind(n: int) -> None:
        due = Due.fromtimestamp(4 * 3600 + n, UTC)
        kept.add(due)
        clock.set(f"call {n % 10}", due)
        clock.set(f"call {n % 10}, too", due)
        clock.set(f"call {n % 10}, too", None)

    for n in range(10_000):
        wind(n)
    assert len(kept) < 200
    calls = [f"call {n}" for n in range(10)]
    assert clock.ring(datetime.fromtimestamp(30_000, UTC)) == calls


def test_an_alarm_that_was_put_back_rings_once() -> None:
    """Its old entries are forgotten."""
    clock = Clock()
    clock.set("a", second(1))
    clock.set("a", second(2))
    clock.set("a", second(1))
    assert clock.ring(second(3)) == ["a"]
