"""When calls are to be looked at though nothing was told of them."""

import heapq
from datetime import datetime

_VOID = 64
"""So many replaced alarms are kept at least; beyond, as many as there are others."""


class Clock:
    """One alarm per call; a new one replaces the old."""

    def __init__(self) -> None:
        self._due: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []

    def set(self, key: str, due: datetime | None) -> None:
        """Ring for *key* at *due*; None = do not."""
        if due is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))
            if len(self._heap) > 2 * len(self._due) + _VOID:
                self._heap = [(due, key) for key, due in self._due.items()]
                heapq.heapify(self._heap)

    def ring(self, now: datetime) -> list[str]:
        """Keys whose time has come, earliest first; each rings once."""
        keys = []
        while self._heap and self._heap[0][0] <= now:
            due, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                keys.append(key)
        return keys
