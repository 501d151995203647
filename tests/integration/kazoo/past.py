"""A simulated server with a past: recordings that were saved at any time before now."""

import time

from tracker.simulators.kazoo import Document, KazooOptions, KazooSimulator, Recorded


class Past:
    """A simulator whose clock can be put back.

    Attributes:
        simulator: Lives now, unless something is being saved.
    """

    def __init__(self, **options: object) -> None:
        given = {"users": 3, "bucket": None, **options}
        self._ago_s = 0.0
        self.simulator = KazooSimulator(
            KazooOptions(**given),  # type: ignore[arg-type]
            lambda: time.time() - self._ago_s,
        )

    def save(
        self, ago_s: float, *, late_s: float | None = None, **fields: object
    ) -> Document:
        """One that was saved *ago_s* ago, and began *late_s* before that."""
        self._ago_s = ago_s
        if late_s is not None:
            fields["start_at_s"] = time.time() - ago_s - late_s
        try:
            return self.simulator.add_recording(Recorded(**fields))  # type: ignore[arg-type]
        finally:
            self._ago_s = 0.0
