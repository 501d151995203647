"""Alarms of calls."""

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


def test_an_alarm_that_was_put_back_rings_once() -> None:
    """Its old entries are forgotten."""
    clock = Clock()
    clock.set("a", second(1))
    clock.set("a", second(2))
    clock.set("a", second(1))
    assert clock.ring(second(3)) == ["a"]
