"""What filters and access rules look at: the few fields of an entity, before and after.

An event goes to a subscriber whose filter matches the entity before *or* after it; who
matched only before is told that it is gone, and nothing of the new content.
"""

from datetime import datetime

from tracker.domain.base import Record
from tracker.domain.call import Call
from tracker.domain.key import account_of
from tracker.domain.terms import IssueType, Kind, RecordingState


class View(Record, frozen=True):
    """The fields by which an entity is found.

    Attributes:
        account: ``provider/account``.
        agents: Who is on the call; of an ended one, who stayed until its end.
        state: The recording state; None for entities that have none.
        ended: The call is over: it stays in no snapshot of live calls.
    """

    key: str
    account: str
    kind: Kind = "call"
    agents: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    state: RecordingState | None = None
    issues: tuple[IssueType, ...] = ()
    ended: bool = False

    @property
    def provider(self) -> str:
        """The first part of the account's key, still percent-encoded."""
        return self.account.split("/", 1)[0]


def view_of(call: Call, end_grace_s: float) -> View:
    """The view of *call*; who left within *end_grace_s* of its end stayed."""
    present = call.live_legs
    if call.ended_at is not None:
        ended_at = call.ended_at
        present = [x for x in call.legs if _stayed(x.left_at, ended_at, end_grace_s)]
    return View(
        key=call.key,
        account=account_of(call.key),
        agents=tuple(dict.fromkeys([leg.agent for leg in present if leg.agent])),
        teams=tuple(dict.fromkeys([leg.team for leg in present if leg.team])),
        state=call.recording.state,
        issues=tuple(issue.type for issue in call.issues),
        ended=call.ended_at is not None,
    )


def _stayed(left_at: datetime | None, ended_at: datetime, grace_s: float) -> bool:
    return left_at is not None and (ended_at - left_at).total_seconds() <= grace_s
