"""Lanes: in order per entity, one at a time, others never wait."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from tracker.domain.delivery import Owed
from tracker.outlets.webhooks.lanes import Lanes, order_of


def owed(number: int, entity: str = "a", owed_ms: int = 0) -> Owed:
    return Owed(f"e1.0.{number}-0", "tracker.call.changed", entity, None, owed_ms)


def test_only_the_first_of_an_entity_is_taken() -> None:
    """And the next one when that is over."""
    lanes = Lanes([owed(2), owed(1), owed(3, "b")])
    first, other = lanes.take(0), lanes.take(0)
    assert first is not None
    assert other is not None
    assert (first.event, other.event) == ("e1.0.1-0", "e1.0.3-0")
    assert lanes.take(0) is None
    lanes.over(first)
    second = lanes.take(0)
    assert second is not None
    assert second.event == "e1.0.2-0"


def test_what_failed_waits_and_holds_back_its_own_entity_only() -> None:
    """Until it is due."""
    lanes = Lanes([owed(1), owed(2), owed(3, "b")])
    failed = lanes.take(0)
    assert failed is not None
    lanes.again(failed, 5000)
    other = lanes.take(0)
    assert other is not None
    assert other.entity == "b"
    lanes.over(other)
    assert lanes.take(4999) is None
    assert lanes.next_due_ms() == 5000
    assert lanes.held_by(failed) == 1
    assert lanes.take(5000) is failed


def test_who_is_hastened_does_not_wait() -> None:
    """Somebody asked for it."""
    lanes = Lanes([owed(1)])
    failed = lanes.take(0)
    assert failed is not None
    lanes.again(failed, 5000)
    lanes.hasten(failed.event)
    assert lanes.take(0) is failed
    assert lanes.take(5000) is None


def test_an_older_one_goes_before_but_not_before_what_is_tried() -> None:
    """A replay may owe again what was delivered before what waits now."""
    lanes = Lanes([owed(5), owed(7)])
    tried = lanes.take(0)
    assert lanes.add(owed(3))
    assert not lanes.add(owed(3))
    assert tried is not None
    lanes.over(tried)
    order = []
    while (one := lanes.take(0)) is not None:
        order.append(order_of(one)[0])
        lanes.over(one)
    assert order == [3, 7]


def test_the_oldest_go_first_when_there_are_too_many() -> None:
    """But not what is being tried."""
    lanes = Lanes([owed(n, str(n % 2), n) for n in range(10)])
    tried = lanes.take(0)
    assert tried is not None
    dropped = lanes.drop_oldest(3)
    assert [one.event for one in dropped] == ["e1.0.1-0", "e1.0.2-0", "e1.0.3-0"]
    assert len(lanes) == 7
    assert lanes.oldest_ms == 0
    assert len(lanes.drop_older(9)) == 5
    assert {one.event for one in lanes} == {tried.event, "e1.0.9-0"}


class Course:
    """What may happen to lanes, and what became of everything."""

    def __init__(self) -> None:
        self.lanes = Lanes()
        self.now_ms = 0
        self.added: list[Owed] = []
        self.tried: list[Owed] = []
        self.over: list[Owed] = []
        self.dropped: list[Owed] = []

    def add(self, entity: int) -> None:
        one = owed(len(self.added) + 1, str(entity % 3), self.now_ms)
        self.added.append(one)
        self.lanes.add(one)

    def take(self, _: int) -> None:
        taken = self.lanes.take(self.now_ms)
        if taken is not None:
            assert taken.entity not in {one.entity for one in self.tried}
            self.tried.append(taken)

    def end(self, _: int) -> None:
        if self.tried:
            self.over.append(self.tried.pop())
            self.lanes.over(self.over[-1])

    def fail(self, after_ms: int) -> None:
        if self.tried:
            self.lanes.again(self.tried.pop(), self.now_ms + after_ms)

    def drop(self, count: int) -> None:
        self.dropped += self.lanes.drop_oldest(count // 10)

    def wait(self, ms: int) -> None:
        self.now_ms += ms

    def finish(self) -> None:
        while self.tried:
            self.fail(0)
        self.wait(100)
        while len(self.lanes):
            self.take(0)
            self.end(0)


_STEPS = (Course.add, Course.take, Course.end, Course.fail, Course.drop, Course.wait)


@given(st.lists(st.tuples(st.sampled_from(_STEPS), st.integers(0, 30)), max_size=120))
def test_nothing_is_lost_or_out_of_order(
    steps: list[tuple[Callable[[Course, int], None], int]],
) -> None:
    """Whatever happens in between: each entity's are over in order, and all are."""
    course = Course()
    for step, amount in steps:
        step(course, amount)
    course.finish()
    ended = [one.event for one in (*course.over, *course.dropped)]
    assert sorted(ended) == sorted(one.event for one in course.added)
    for entity in "012":
        mine = [order_of(one) for one in course.over if one.entity == entity]
        assert mine == sorted(mine)
