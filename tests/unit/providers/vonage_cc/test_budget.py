"""Never too many in any second, and whose turn it is."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.providers.vonage_cc import budget as module
from tracker.providers.vonage_cc.budget import WINDOW_S, Budget, Kind, Ledger, Place

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "reserve", "give back", "429", "500", "well"]),
        st.sampled_from(list(Kind)),
        st.floats(0, 0.6),
    ),
    max_size=200,
)


def most_within(times_s: list[float], window_s: float) -> int:
    return max(
        (sum(at <= other < at + window_s for other in times_s) for at in times_s),
        default=0,
    )


class Caller:
    """Does as it is told, where the ledger lets it."""

    def __init__(self, per_s: int) -> None:
        self.ledger = Ledger(per_s)
        self.begun: list[float] = []
        self.reserved = 0

    def step(self, what: str, kind: Kind, now_s: float) -> None:
        if what == "reserve" and self.ledger.wait_s(kind, now_s) == 0:
            self.ledger.reserve(kind)
            self.reserved += 1
        elif what == "give back" and self.reserved:
            self.ledger.give_back()
            self.reserved -= 1
        elif what == "begin" and self.reserved:
            self.ledger.begin(now_s)
            self.reserved -= 1
            self.begun.append(now_s)
        elif what in ("429", "500") and self.begun:
            fail = self.ledger.slowed if what == "429" else self.ledger.failed
            fail(self.begun[-1], now_s, 0.5, None)
        elif what == "well" and self.begun:
            self.ledger.went_well(self.begun[-1])


@given(st.integers(1, 12), STEPS)
def test_never_more_begin_in_any_window(
    per_s: int, steps: list[tuple[str, Kind, float]]
) -> None:
    """However places are reserved, kept and given back, and whatever goes wrong."""
    caller, now_s = Caller(per_s), 0.0
    for what, kind, pause_s in steps:
        now_s += pause_s
        caller.step(what, kind, now_s)
        assert 1 <= caller.ledger.limit(now_s) <= per_s
    assert most_within(caller.begun, WINDOW_S - 1e-9) <= per_s


@given(st.integers(1, 12), STEPS)
def test_a_place_is_free_when_it_was_said_to_be(
    per_s: int, steps: list[tuple[str, Kind, float]]
) -> None:
    """Who waits so long, and nobody else came, gets it."""
    caller, now_s = Caller(per_s), 0.0
    for what, kind, pause_s in steps:
        now_s += pause_s
        caller.step(what, kind, now_s)
    for kind in Kind:
        wait_s = caller.ledger.wait_s(kind, now_s)
        if wait_s is None:
            assert caller.reserved > 0
        else:
            left_s = caller.ledger.wait_s(kind, now_s + wait_s + 1e-6)
            assert left_s == 0 or left_s is None


def test_polling_leaves_places_free() -> None:
    """A command finds one at once while everything else is polled."""
    ledger = Ledger(10)
    polls = 0
    while ledger.wait_s(Kind.POLL, 0) == 0:
        ledger.reserve(Kind.POLL)
        ledger.begin(0)
        polls += 1
    assert polls == 8
    assert ledger.wait_s(Kind.COMMAND, 0) == 0
    assert ledger.wait_s(Kind.POLL, 0) == pytest.approx(WINDOW_S)


def test_a_429_halves_the_rate_which_grows_back_step_by_step() -> None:
    """After what was asked for, or a pause that grows with every trouble in a row."""
    ledger = Ledger(10)
    ledger.slowed(0, 1, 0.0, 7.0)
    assert ledger.paused_for_s(1) == 7
    limits = [ledger.limit(8 + step * module.STEP_S) for step in range(7)]
    assert limits == [5, 6, 7, 8, 9, 10, 10]
    ledger = Ledger(10)
    pauses, now_s = [], 0.0
    for _ in range(7):
        ledger.slowed(now_s, now_s, 0.999999, None)
        pauses.append(round(ledger.paused_for_s(now_s)))
        now_s += pauses[-1] + 0.01
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert ledger.limit(now_s) == 1


def test_what_was_under_way_is_part_of_the_same_trouble() -> None:
    """Ten requests that are refused together halve the rate once."""
    ledger = Ledger(10)
    ledger.slowed(0.5, 1.0, 0.0, None)
    ledger.slowed(0.9, 1.1, 0.0, None)
    ledger.slowed(0.9, 1.1, 0.0, 3.0)
    assert ledger.failures == 1
    assert ledger.limit(4.2) == 5
    assert ledger.paused_for_s(1.1) == pytest.approx(3.0)
    ledger.went_well(0.9)
    assert ledger.failures == 1
    ledger.went_well(4.2)
    assert ledger.failures == 0


async def in_order(budget: Budget, *asked: tuple[Kind, float]) -> list[int]:
    """The order in which those go who asked one after the other for the one place."""
    order: list[int] = []
    held = await budget.reserve(Kind.TOKEN)

    async def go(number: int, kind: Kind, rank: float) -> None:
        await budget.take(kind, rank)
        order.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number, (kind, rank) in enumerate(asked):
            tasks.create_task(go(number, kind, rank))
        await asyncio.sleep(0)
        held.give_back()
    return order


async def full(monkeypatch: pytest.MonkeyPatch, per_s: int = 1) -> Budget:
    """A budget whose window is short and used up."""
    monkeypatch.setattr(module, "WINDOW_S", 0.02)
    budget = Budget(per_s, lambda: 0.5)
    for _ in range(per_s):
        await budget.take(Kind.TOKEN)
    return budget


async def test_commands_and_looks_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before polling, and after the token; who asked first goes first."""
    monkeypatch.setattr(module, "WINDOW_S", 0.02)
    order = await in_order(
        Budget(1, lambda: 0.5),
        (Kind.POLL, 0),
        (Kind.COMMAND, 30),
        (Kind.COMMAND, 10),
        (Kind.COMMAND, 20),
        (Kind.LOOK, 0),
        (Kind.LOOK, 0),
        (Kind.TOKEN, 0),
    )
    assert order == [6, 2, 4, 3, 5, 1, 0]


async def test_requests_begin_no_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many who wait at once go by and by."""
    monkeypatch.setattr(module, "WINDOW_S", 0.05)
    budget, loop = Budget(3, lambda: 0.5), asyncio.get_running_loop()
    begun: list[float] = []

    async def go() -> None:
        place = await budget.reserve(Kind.COMMAND)
        assert place.begin()
        begun.append(loop.time())

    await asyncio.gather(*(go() for _ in range(12)))
    assert all(b - a >= 0.049 for a, b in zip(begun, begun[3:], strict=False))
    assert sorted(begun) == begun
    assert len(list(pairwise(begun))) == 11


async def reserved(budget: Budget) -> Place:
    return await budget.reserve(Kind.COMMAND)


async def test_a_reserved_place_is_nobody_elses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until it is begun or given back."""
    budget = await full(monkeypatch)
    place = await budget.reserve(Kind.COMMAND)
    other = asyncio.create_task(reserved(budget))
    done, _ = await asyncio.wait([other], timeout=0.1)
    assert not done
    place.give_back()
    place.give_back()
    assert (await other).begin()
    assert not place.begin()


async def test_who_gives_up_waiting_uses_nothing() -> None:
    """Neither in the queue, nor when the place was just free."""
    budget = Budget(1, lambda: 0.5)
    held = await reserved(budget)
    waiting = [asyncio.create_task(reserved(budget)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    held.give_back()
    await asyncio.wait([waiting[1]])
    waiting[1].result().give_back()
    waiting[2].cancel()
    await asyncio.wait([waiting[0], waiting[2]])
    assert (await reserved(budget)).begin()


async def test_nothing_begins_in_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reserved place is gone then; others wait until it has passed."""
    budget = await full(monkeypatch, per_s=2)
    place, loop = await reserved(budget), asyncio.get_running_loop()
    began_s = loop.time()
    budget.slowed(began_s, 0.1)
    assert not place.begin()
    assert (await reserved(budget)).begin()
    assert loop.time() - began_s >= 0.099
