"""A Kazoo server's calls and recordings, whose time passes when it is told to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracker.simulators.kazoo import KazooOptions
from tracker.simulators.kazoo.events import Event, EventWriter
from tracker.simulators.kazoo.recorder import Recorder
from tracker.simulators.kazoo.rest import Rest
from tracker.simulators.kazoo.store import RecordingStore
from tracker.simulators.kazoo.switch import Switch
from tracker.simulators.kazoo.wire import Wire

CAPTURES = Path(__file__).parents[2] / "captures" / "kazoo"
ACCOUNT = KazooOptions().account

NOON_S = 1_710_288_274.0
"""12 March 2024, 63877507474 for Kazoo."""


def capture(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())


class Scene:
    """All parts but the sockets.

    Attributes:
        events: What was told.
    """

    def __init__(self, **options: Any) -> None:
        self.now_s = NOON_S
        self.events: list[Event] = []
        self.options = KazooOptions(**{"users": 4, **options})
        self.store = RecordingStore(self.options, self.clock)
        self.recorder = Recorder(self.options, self.clock, self._later, self.store)
        self.switch = Switch(self.options, self.clock, self._later, self.recorder)
        self.wire = Wire(self.options, self.clock)
        self.rest = Rest(self.options, self.clock, self.store, self.switch, self.wire)
        self.jdoe, self.asmith = self.switch.users[:2]
        self._waiting: list[tuple[float, Callable[[], object]]] = []
        self._listen(EventWriter(self.options, self.clock))

    def clock(self) -> float:
        return self.now_s

    def pass_time(self, seconds: float) -> None:
        """Do what becomes due meanwhile, at its time."""
        end_s = self.now_s + seconds
        while due := [item for item in self._waiting if item[0] <= end_s]:
            first = min(due, key=lambda item: item[0])
            self._waiting.remove(first)
            self.now_s = first[0]
            first[1]()
        self.now_s = end_s

    def names(self) -> list[str]:
        """What was told since the last time, in short."""
        names = [event.name for event in self.events]
        self.events.clear()
        return names

    def _listen(self, writer: EventWriter) -> None:
        tell = self.events.append
        self.switch.listener = lambda *told: tell(writer.call(*told))
        self.recorder.listener = lambda *told: tell(writer.record(*told))
        self.store.listener = lambda document: tell(writer.doc_created(document))

    def _later(self, delay_s: float, action: Callable[[], object]) -> None:
        self._waiting.append((self.now_s + delay_s, action))
