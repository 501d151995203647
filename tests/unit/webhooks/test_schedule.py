"""When to try again, when to probe, and when there is no hope."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tracker.outlets.webhooks.schedule import (
    DELAYS_S,
    LEAST,
    PROBES_S,
    RETRY_AFTER_MAX_S,
    Breaker,
    delay_s,
    is_hopeless,
)

LUCK = st.floats(0, 1, exclude_max=True)
HOUR_S = 3600.0
NOW_S = datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()


def test_the_delays_are_those_that_are_promised() -> None:
    """0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."""
    hours = [2, 5, 10, 14, 20, 24]
    promised = [0, 5, 300, 1800, *(hour * HOUR_S for hour in hours)]
    assert [delay_s(spent, 0) for spent in range(10)] == promised
    assert delay_s(10, 0) is None


@given(spent=st.integers(0, 9), luck=LUCK)
def test_luck_only_makes_it_later(spent: int, luck: float) -> None:
    """By a fifth at most."""
    delay = delay_s(spent, luck)
    assert delay is not None
    assert DELAYS_S[spent] <= delay <= DELAYS_S[spent] * 1.2


@given(
    spent=st.integers(0, 9), luck=LUCK, asked=st.floats(0, 1e9, allow_subnormal=False)
)
def test_a_wish_to_wait_is_heard_within_bounds(
    spent: int, luck: float, asked: float
) -> None:
    """Never earlier than asked, nor later than a day because of it."""
    plain, delay = delay_s(spent, luck), delay_s(spent, luck, asked)
    assert plain is not None
    assert delay == max(plain, min(asked, RETRY_AFTER_MAX_S))


def test_hope_ends_after_days() -> None:
    """Counted from the first failure since a success."""
    assert not is_hopeless(None, NOW_S, 60)
    assert not is_hopeless(NOW_S - 59, NOW_S, 60)
    assert is_hopeless(NOW_S - 60, NOW_S, 60)


def fail(breaker: Breaker, count: int, now_s: float = 0.0) -> None:
    for _ in range(count):
        assert breaker.admits(now_s)
        breaker.end(now_s, 0, good=False, probe=breaker.begin())


def test_it_opens_when_most_fail() -> None:
    """Ten in a row will do; then nothing is admitted until the probe."""
    breaker = Breaker()
    fail(breaker, LEAST - 1)
    assert breaker.admits(0)
    fail(breaker, 1)
    assert not breaker.admits(PROBES_S[0] - 0.001)
    assert breaker.admits(PROBES_S[0])


def test_one_failing_call_among_others_does_not_open_it() -> None:
    """Nine of twenty may fail."""
    breaker = Breaker()
    for number in range(1000):
        good = number % 20 >= 9
        breaker.end(0, 0, good=good, probe=breaker.begin())
    assert breaker.state == "closed"


def test_one_probe_decides() -> None:
    """While it is under way nothing else is; when it fails, the next is later."""
    breaker = Breaker()
    fail(breaker, LEAST)
    now_s = 0.0
    for pause_s in (*PROBES_S, PROBES_S[-1]):
        now_s += pause_s
        assert breaker.admits(now_s)
        assert breaker.begin()
        assert not breaker.admits(now_s)
        breaker.end(now_s, 0, good=False, probe=True)
        assert not breaker.admits(now_s)
    probe_at_s = breaker.probe_at_s
    assert probe_at_s is not None
    breaker.end(probe_at_s, 0, good=True, probe=breaker.begin())
    assert breaker.state == "closed"
    fail(breaker, LEAST - 1, probe_at_s)
    assert breaker.state == "closed"


def test_what_began_before_decides_nothing() -> None:
    """Late answers neither close it nor put the probe off."""
    breaker = Breaker()
    late = [breaker.begin() for _ in range(5)]
    fail(breaker, LEAST)
    probe_at_s = breaker.probe_at_s
    for number, probe in enumerate(late):
        breaker.end(1, 0, good=number % 2 == 0, probe=probe)
    assert breaker.probe_at_s == probe_at_s


def test_a_probe_that_was_not_made_is_made_later() -> None:
    """It does not stay half open for ever."""
    breaker = Breaker()
    fail(breaker, LEAST)
    assert breaker.begin()
    breaker.withdraw()
    assert breaker.admits(PROBES_S[0])


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 400), LUCK), max_size=200))
def test_it_always_comes_back(history: list[tuple[bool, float, float]]) -> None:
    """Whatever happened: within a probe's longest pause something is tried again."""
    breaker, now_s = Breaker(), 0.0
    for good, pause_s, luck in history:
        now_s += pause_s
        if breaker.admits(now_s):
            breaker.end(now_s, luck, good=good, probe=breaker.begin())
    assert breaker.admits(now_s + PROBES_S[-1] * 1.2)
