"""All recordings of an account: the company's, and each user's."""

import random
from collections.abc import Callable
from typing import Unpack

from tracker.simulators.vonage_business.model import (
    Details,
    Recording,
    make_recording,
)
from tracker.simulators.vonage_business.options import VonageBusinessOptions
from tracker.simulators.vonage_business.shelf import Shelf

_FIRST_ID = 100_000


class Archive:
    """Recordings, the company's and the users'.

    Attributes:
        shelves: By user; None: the company's.
        listener: Called after everything that happened here.

    Args:
        options: What kind of account it is.
        clock: Seconds since 1970.
    """

    def __init__(
        self, options: VonageBusinessOptions, clock: Callable[[], float]
    ) -> None:
        users = None, options.user, *options.users
        self.shelves: dict[str | None, Shelf] = {user: Shelf() for user in users}
        self.listener: Callable[[], None] = lambda: None
        self._clock = clock
        self._next_id = _FIRST_ID
        self._rng = random.Random(options.seed)  # noqa: S311 guards nothing

    def __len__(self) -> int:
        return sum(len(shelf) for shelf in self.shelves.values())

    def get(self, recording_id: int) -> Recording | None:
        """One of them, whosever it is."""
        found = (shelf.get(recording_id) for shelf in self.shelves.values())
        return next((recording for recording in found if recording), None)

    def add_recording(self, **details: Unpack[Details]) -> Recording:
        """A recording appears; however long ago its call was.

        Raises:
            ValueError: There is no such user or direction, or one with that id.
        """
        recording = self._add(details)
        self.listener()
        return recording

    def fill(self, count: int, *, user: str | None = None, apart_s: float = 60) -> None:
        """Add many that appeared before now, one every so often, the newest last."""
        now_s = self._clock()
        for number in range(count):
            self._add({"user": user}, now_s - apart_s * (count - number - 1))
        self.listener()

    def show_audio(self, recording_id: int) -> None:
        """The file of a recording is there now.

        Raises:
            KeyError: There is no such recording.
        """
        recording = self.get(recording_id)
        if recording is None:
            raise KeyError(recording_id)
        recording.has_audio = True
        self.listener()

    def delete_recording(self, recording_id: int) -> None:
        """Somebody deletes a recording, without asking the API.

        Raises:
            KeyError: There is no such recording.
        """
        if not any(shelf.remove(recording_id) for shelf in self.shelves.values()):
            raise KeyError(recording_id)
        self.listener()

    def _add(self, details: Details, now_s: float | None = None) -> Recording:
        now_s = self._clock() if now_s is None else now_s
        recording = make_recording(self._next_id, now_s, self._rng, details)
        if recording.user not in self.shelves:
            message = f"there is no user {recording.user}"
            raise ValueError(message)
        if self.get(recording.id):
            message = f"there is a recording {recording.id}"
            raise ValueError(message)
        self._next_id = max(self._next_id, recording.id + 1)
        self.shelves[recording.user].add(recording)
        return recording
