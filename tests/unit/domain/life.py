"""A call's life, told in plain words and held against the rules at every step."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from tests.unit.domain.always import check, public
from tracker.domain.call import Call, Interval, Leg, Tomb
from tracker.domain.changes import Answer, Change, Policy
from tracker.domain.command import Command, Outcome, Request, Sent
from tracker.domain.decide import CallInput, decide, next_due
from tracker.domain.describe import snapshot
from tracker.domain.reading import (
    Blind,
    Media,
    Observation,
    Release,
    Stamp,
    Tick,
    Told,
)
from tracker.domain.snapshot import CallSnapshot
from tracker.domain.terms import ALL_ACTIONS

CALL = "genesys/acme/01RCC3"
T0 = datetime(2025, 6, 1, 12, tzinfo=UTC)

Result = Literal["accepted", "refused", "lost", "not_taken", "late"]


def second(s: float) -> datetime:
    """The instant *s* seconds into the story."""
    return T0 + timedelta(seconds=s)


def source_of(agent: str) -> str:
    """The source that sees *agent*'s leg."""
    return f"genesys/acme/{agent}"


class Life:
    """One call, told input by input.

    Every input is decided twice: the second time must change nothing.

    Args:
        policy: Thresholds.
        tomb: The version of the call's tombstone; 0 = never seen.

    Attributes:
        now_s: Seconds into the story; `at` moves it.
        events: Everything told so far.
        answers: Everything waiters were told.
    """

    def __init__(self, policy: Policy | None = None, tomb: int = 0) -> None:
        self.call: Call | None = None
        self.timeline: tuple[Interval, ...] = ()
        self.events: list[Change] = []
        self.answers: list[Answer] = []
        self.now_s = 0.0
        self._policy = policy or Policy()
        self._tomb = tomb
        self._numbers: Counter[str] = Counter()

    def at(self, s: float) -> "Life":
        """Go to second *s*."""
        self.now_s = round(s, 3)
        return self

    def told(
        self,
        agent: str,
        state: str = "active",
        recording: str | None = None,
        *,
        token: int = 1,
        **more: Any,
    ) -> list[str]:
        """*agent*'s source is notified; what is told of it."""
        return self.feed(self.telling(agent, state, recording, token=token, **more))

    def read(
        self,
        agent: str,
        state: str = "active",
        recording: str | None = None,
        **more: Any,
    ) -> list[str]:
        """*agent*'s source looked, beginning *age_s* ago."""
        return self.told(agent, state, recording, exact=False, **more)

    def telling(
        self,
        agent: str,
        state: str = "active",
        recording: str | None = None,
        *,
        token: int = 1,
        **more: Any,
    ) -> Told:
        """The next input of *agent*'s source."""
        source = source_of(agent)
        self._numbers[source] += 1
        fields: dict[str, Any] = {"call": CALL, "state": state, "recording": recording}
        fields |= {"agent": agent, "leg_id": f"leg-{agent}", "actions": ALL_ACTIONS}
        return Told(
            stamp=Stamp(source, token, self._numbers[source]),
            reading=Observation(**(fields | more)),
        )

    def blind(self, agent: str, since_s: float) -> list[str]:
        """*agent*'s source has not seen anything since."""
        return self.feed(Blind(source_of(agent), second(since_s)))

    def absent(self, agent: str, began_s: float) -> list[str]:
        """A complete read of *agent*'s source, begun then, did not show the call."""
        return self.feed(Release(source_of(agent), second(began_s)))

    def tick(self) -> list[str]:
        """Only time passes."""
        return self.feed(Tick())

    def media(self, key: str, *, gone: bool = False) -> list[str]:
        """A stored recording of the call came, or went."""
        return self.feed(Media(call=CALL, media=key, gone=gone))

    def ask(self, action: str, *, id_: str = "c1", **more: Any) -> list[str]:
        """Somebody asks for *action*, to be done within a minute."""
        fields: dict[str, Any] = {
            "requested_by": "jdoe",
            "not_after": second(self.now_s + 60),
        }
        fields |= {"id": id_, "call": CALL, "action": action}
        return self.feed(Request(**(fields | more)))

    def send(self, agent: str, *, attempt: str = "a1", id_: str = "c1") -> list[str]:
        """The executor of *agent*'s source is about to ask the provider."""
        source = source_of(agent)
        return self.feed(
            Sent(call=CALL, command=id_, source=source, token=1, attempt=attempt)
        )

    def result(
        self,
        agent: str,
        result: Result,
        problem: str | None = None,
        *,
        attempt: str | None = "a1",
        id_: str = "c1",
    ) -> list[str]:
        """What became of the asking."""
        return self.feed(
            Outcome(
                call=CALL,
                command=id_,
                source=source_of(agent),
                attempt=attempt,
                result=result,
                problem=problem,
            )
        )

    def feed(self, told: CallInput) -> list[str]:
        """Decide *told*; the types of what is told of it."""
        now = second(self.now_s)
        before = self.call
        made = decide(
            before,
            told,
            now,
            self._policy,
            tomb=Tomb(self._tomb),
            timeline=self.timeline,
        )
        self.timeline += made.intervals
        check(before, made, now, self.timeline, self._tomb + 1)
        self.call = made.entity
        self.events += made.changes
        self.answers += made.answers
        self._feed_again(told, now)
        return [change.type for change in made.changes]

    def _feed_again(self, told: CallInput, now: datetime) -> None:
        again = decide(
            self.call,
            told,
            now,
            self._policy,
            tomb=Tomb(self._tomb),
            timeline=self.timeline,
        )
        assert not again.changes
        assert not again.intervals
        if self.call is not None and again.entity is not None:
            assert public(self.call, now) == public(again.entity, now)

    @property
    def known(self) -> Call:
        """The call, which is known."""
        assert self.call is not None
        return self.call

    @property
    def shown(self) -> CallSnapshot:
        """What everybody sees of it now."""
        return snapshot(self.known, second(self.now_s))

    @property
    def state(self) -> tuple[str, str | None]:
        """Its recording state, and why it is unknown."""
        recording = self.shown.recording
        return recording.state, recording.unknown_reason

    @property
    def command(self) -> Command:
        """Its newest command."""
        assert self.known.command is not None
        return self.known.command

    def next_due_s(self) -> float | None:
        """When time alone changes it."""
        due = next_due(self.known, self._policy)
        return (due - T0).total_seconds() if due else None

    def stage(self) -> str:
        """How far its newest command has come."""
        return self.command.stage

    @property
    def issues(self) -> list[str]:
        """What needs attention."""
        return [issue.type for issue in self.known.issues]

    def leg(self, agent: str) -> Leg:
        """*agent*'s leg."""
        leg = self.known.leg_of(source_of(agent))
        assert leg is not None
        return leg

    def intervals(self) -> list[tuple[str, float, float]]:
        """The timeline in seconds: state, from, to."""
        return [
            (
                interval.state,
                (interval.from_ - T0).total_seconds(),
                (interval.to - T0).total_seconds(),
            )
            for interval in self.timeline
        ]

    def last(self, type_: str) -> Change:
        """The newest event of *type_*."""
        return next(c for c in reversed(self.events) if c.type == type_)
