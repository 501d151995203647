"""Recordings in order: a hundred thousand are cheap to keep and to page through."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import NamedTuple

from tracker.simulators.vonage_business.listing import Filter, Order, Page
from tracker.simulators.vonage_business.model import Recording

_REMEMBERED = 8
_AFTER_ALL_IDS = float("inf")

Question = tuple[Filter, Order]


class Found(NamedTuple):
    """A page of what was found, and how many that is in all."""

    recordings: Sequence[Recording]
    total: int


class Shelf:
    """The recordings of the company, or of one user."""

    def __init__(self) -> None:
        self._recordings: dict[int, Recording] = {}
        self._keys: list[tuple[float, float]] = []
        self._answers: dict[Question, list[Recording]] = {}

    def __len__(self) -> int:
        return len(self._recordings)

    def add(self, recording: Recording) -> None:
        """Put one where its start belongs."""
        self._recordings[recording.id] = recording
        insort(self._keys, (recording.start_s, recording.id))
        self._answers.clear()

    def remove(self, recording_id: int) -> bool:
        """Whether there was such a one."""
        recording = self._recordings.pop(recording_id, None)
        if recording is None:
            return False
        del self._keys[bisect_left(self._keys, (recording.start_s, recording.id))]
        self._answers.clear()
        return True

    def get(self, recording_id: int) -> Recording | None:
        """One of them, if there is such a one."""
        return self._recordings.get(recording_id)

    def find(self, asked: Filter, order: Order, page: Page) -> Found:
        """A page of those that were asked for."""
        if order.field == "start_s" and asked.asks_only_for_start:
            return self._find_by_start(asked, order, page)
        matching = self._matching(asked, order)
        return Found(matching[slice(*page.bounds(len(matching)))], len(matching))

    def select(self, asked: Filter) -> list[Recording]:
        """All that were asked for, the oldest first."""
        return list(self._matching(asked, Order("start_s", falls=False)))

    def _find_by_start(self, asked: Filter, order: Order, page: Page) -> Found:
        low, high = 0, len(self._keys)
        if asked.start_from_s is not None:
            low = bisect_left(self._keys, (asked.start_from_s, float("-inf")))
        if asked.start_to_s is not None:
            high = bisect_right(self._keys, (asked.start_to_s, _AFTER_ALL_IDS))
        total = max(0, high - low)
        begin, end = page.bounds(total)
        if order.falls:
            keys = self._keys[high - end : high - begin][::-1]
        else:
            keys = self._keys[low + begin : low + end]
        return Found([self._recordings[int(key[1])] for key in keys], total)

    def _matching(self, asked: Filter, order: Order) -> list[Recording]:
        """Kept for the next pages, until a recording comes or goes."""
        matching = self._answers.get((asked, order))
        if matching is None:
            matching = [it for it in self._recordings.values() if asked.fits(it)]
            order.sort(matching)
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            self._answers[asked, order] = matching
        return matching
