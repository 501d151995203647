"""What a process can do at once is shared among all its endpoints."""

from tracker.outlets.webhooks.slots import Slots


class Line:
    """Somebody who waits."""

    woken = 0

    def wake(self) -> None:
        self.woken += 1


def test_who_finds_none_is_woken_in_turn() -> None:
    """One line for each that is given back."""
    slots, first, second = Slots(1), Line(), Line()
    slots.take()
    assert not slots.has_one(first)
    assert not slots.has_one(second)
    slots.give()
    assert (first.woken, second.woken) == (1, 0)
    assert slots.has_one(first)


def test_who_cannot_use_it_passes_it_on() -> None:
    """So that nobody waits for what nobody has; likewise who leaves."""
    slots, first, second, third = Slots(1), Line(), Line(), Line()
    slots.take()
    for line in (first, second, third):
        assert not slots.has_one(line)
    slots.give()
    slots.pass_on()
    assert (first.woken, second.woken, third.woken) == (1, 1, 0)
    slots.leave(second)
    assert third.woken == 1
