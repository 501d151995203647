"""What a process can do at once is shared among all its endpoints."""

from tracker.outlets.webhooks.slots import Slots


class Line:
    """Somebody who wants so many, and takes what it can."""

    def __init__(self, slots: Slots[str], wants: int, name: str = "") -> None:
        self.slots = slots
        self.name = name
        self.wants = wants
        self.has = self.turns = 0

    def turn(self) -> None:
        self.turns += 1
        while self.next() is not None:
            pass

    def next(self) -> str | None:
        if not self.wants or not self.slots.has_one(self):
            return None
        self.slots.take()
        self.wants -= 1
        self.has += 1
        return self.name


def test_who_finds_none_has_the_next_turn() -> None:
    """One line for each that is given back; who wants more waits behind the others."""
    slots = Slots[str](1)
    first, second, third = Line(slots, 1), Line(slots, 2), Line(slots, 1)
    for line in (first, second, third):
        line.turn()
    assert (first.has, second.has, third.has) == (1, 0, 0)
    slots.give()
    assert (second.has, third.has) == (1, 0)
    slots.give()
    assert (second.has, third.has) == (1, 1)
    slots.give()
    assert (second.has, third.has) == (2, 1)


def test_who_cannot_use_it_leaves_it_to_the_next() -> None:
    """So that nobody waits for what nobody has; who leaves is not asked."""
    slots = Slots[str](1)
    first, second, third, fourth = (Line(slots, 1) for _ in range(4))
    for line in (first, second, third, fourth):
        line.turn()
    second.wants = 0
    slots.leave(third)
    slots.give()
    assert (second.has, third.turns, fourth.has) == (0, 1, 1)


def test_who_is_done_goes_on_when_nobody_else_waits() -> None:
    """Lines that want more than there is take turns."""
    slots = Slots[str](1)
    one, other = Line(slots, 3, "one"), Line(slots, 2, "other")
    one.turn()
    other.turn()
    done = [slots.exchange(line) for line in (one, other, one, other, one)]
    assert done == ["other", "one", "other", "one", None]
    assert slots.has_one(one)
