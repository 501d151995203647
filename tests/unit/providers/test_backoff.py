from hypothesis import given
from hypothesis import strategies as st

from tracker.providers.backoff import backoff_s

luck = st.floats(0, 1, exclude_max=True)


def test_the_longest_delay_doubles_from_the_base_to_the_cap() -> None:
    """With the worst luck it is 1, 2, 4, … and never above the cap."""
    delays_s = [backoff_s(n, 1.0) for n in (0, 1, 2, 3, 5, 6, 7, 100)]
    assert delays_s == [0, 1, 2, 4, 16, 30, 30, 30]


@given(st.integers(1, 10**9), luck)
def test_the_jitter_takes_away_at_most_half(failures: int, luck: float) -> None:
    """Nobody comes back at once, however often it failed."""
    delay_s = backoff_s(failures, luck, base_s=2, cap_s=50)
    assert 1 <= delay_s <= 50
    assert delay_s >= backoff_s(failures, 0.0, base_s=2, cap_s=50)
