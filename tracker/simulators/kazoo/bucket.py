"""How many requests an address may send: a bucket that fills up again."""

from collections.abc import Callable


class Buckets:
    """One bucket for each address and account.

    Args:
        size: Requests at once; None: as many as like.
        refill_per_s: How fast they come back.
        clock: Seconds.
    """

    def __init__(
        self, size: int | None, refill_per_s: float, clock: Callable[[], float]
    ) -> None:
        self._size = size
        self._refill_per_s = refill_per_s
        self._clock = clock
        self._left: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, address: str, account: str) -> int | None:
        """Count a request; how many more may come at once, None: it is too many."""
        if self._size is None:
            return 100
        now_s = self._clock()
        left, at_s = self._left.get((address, account), (float(self._size), now_s))
        left += max(0.0, now_s - at_s) * self._refill_per_s
        left = min(left, float(self._size))
        if left < 1:
            self._left[address, account] = left, now_s
            return None
        self._left[address, account] = left - 1, now_s
        return int(left - 1)
