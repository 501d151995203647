"""Real outbox entries without a store: a partition folds what agents' sources see."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import NamedTuple

from tracker.domain.changes import Policy
from tracker.domain.key import make_key
from tracker.domain.reading import Checkpoint, Observation, OtherParty, Stamp, Told
from tracker.domain.terms import ALL_ACTIONS, CallState, RecordingState
from tracker.keep.partition import Partition
from tracker.store.codec import dump, parse_header
from tracker.store.outbox import Tailed

BEGAN_AT = datetime(2026, 1, 5, 9, tzinfo=UTC)

LIFE: tuple[tuple[CallState, RecordingState], ...] = (
    ("ringing", "stopped"),
    ("active", "recording"),
    ("active", "paused"),
    ("active", "recording"),
    ("ended", "stopped"),
)
"""Of every call: 5 entries, 7 events."""


class Raw(NamedTuple):
    """An outbox entry as the store has it."""

    id: str
    header: bytes
    snapshot: bytes

    def tailed(self) -> Tailed:
        """As a tail yields it."""
        return Tailed(0, self.id, parse_header(self.header), self.snapshot)


def agent(number: int) -> str:
    """The agent's id."""
    return f"agent-{number}"


class Traffic:
    """Agents who have one call after the other with somebody outside.

    Args:
        agents: How many.
    """

    def __init__(self, agents: int) -> None:
        self._partition = Partition(0, 1, Policy())
        self._ids = count(1)
        self._numbers: Counter[str] = Counter()
        self._lived = [0] * agents  # steps of LIFE, over all calls of the agent
        for number in range(agents):
            shown = Checkpoint(process="bench", fresh=True)
            list(self._fold(agent(number), shown))

    def begin(self) -> Iterator[Raw]:
        """Until the agents are at different places of their calls."""
        for number in range(len(self._lived)):
            for _ in range(number % len(LIFE)):
                yield from self._step(number)

    def entries(self, amount: int) -> list[Raw]:
        """The next *amount*, of one agent after the other."""
        agents = len(self._lived)
        steps = (self._step(turn % agents) for turn in range(amount))
        return [entry for step in steps for entry in step]

    def _step(self, number: int) -> Iterator[Raw]:
        call, step = divmod(self._lived[number], len(LIFE))
        self._lived[number] += 1
        state, recording = LIFE[step]
        seen = Observation(
            call=make_key(
                "genesys", "bench", f"01RCC3N118B1V0SL8O7G{number:06}{call:06}"
            ),
            leg_id="007102719818001f",
            state=state,
            recording=recording,
            agent=agent(number),
            team=f"team-{number % 100}",
            number=f"1{number:04}",
            device="631608b3-ceb1-472b-ba05-2ae39555b0d1",
            expected="always",
            actions=ALL_ACTIONS,
            type="inbound",
            ani="…4711",
            dnis="15001",
            provider_ids={"connId": "007102719818001f"},
            others=(OtherParty(number="…4711"),),
        )
        yield from self._fold(agent(number), seen)

    def _fold(self, name: str, reading: Observation | Checkpoint) -> Iterator[Raw]:
        source = make_key("genesys", "bench", name)
        self._numbers[source] += 1
        told = Told(stamp=Stamp(source, 1, self._numbers[source]), reading=reading)
        number = next(self._ids)
        at = BEGAN_AT + timedelta(milliseconds=number)
        self._partition.fold(f"{number}-0", at, [told])
        for out in self._partition.take_draft().outgoing:
            yield Raw(f"{next(self._ids)}-0", dump(out.header), out.snapshot)
