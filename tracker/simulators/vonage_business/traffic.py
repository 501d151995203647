"""Random traffic: calls end and leave recordings, and now and then one is deleted."""

import random
from collections import deque

from tracker.simulators.vonage_business.archive import Archive

_KEPT = 1_000
_DELETED = 0.02
_ON_DEMAND = 0.3


class RandomTraffic:
    """Recordings that come and go; the same seed and past give the same.

    Args:
        archive: Where.
        rng: What is chosen by.
    """

    def __init__(self, archive: Archive, rng: random.Random) -> None:
        self._archive = archive
        self._rng = rng
        self._users = [user for user in archive.shelves if user is not None]
        self._made: deque[int] = deque()

    def move(self) -> None:
        """A recording appears, or one of the oldest of them is deleted."""
        enough = len(self._made) >= _KEPT
        if enough or (self._made and self._rng.random() < _DELETED):
            self._delete(self._made.popleft())
            return
        on_demand = self._rng.random() < _ON_DEMAND
        user = self._rng.choice(self._users) if on_demand else None
        self._made.append(self._archive.add_recording(user=user).id)

    def _delete(self, recording_id: int) -> None:
        """Unless somebody else has done it."""
        if self._archive.get(recording_id):
            self._archive.delete_recording(recording_id)
