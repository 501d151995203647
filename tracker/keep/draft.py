"""What a commit is to write, before it is written."""

from dataclasses import dataclass, field
from datetime import datetime

from tracker.domain.call import Call, Interval
from tracker.domain.command import Command
from tracker.domain.entry import Ask, Outgoing
from tracker.domain.view import View


@dataclass(slots=True)
class Draft:
    """What a commit is to write, collected over a batch of inbox entries.

    Attributes:
        calls: The changed ones; None = forgotten.
        tombs: Versions of the forgotten ones, with their end.
        intervals: Closed ones by call, to be appended to its timeline.
        ended: Calls whose timeline starts (True), or stops, to expire.
        commands: The changed ones, by call, each with the call's view.
        outgoing: Outbox entries, in order.
        asks: For those who ingest, in order.
        lost_at: When it was found that inputs were lost.
        aside: Inputs on which `decide` raised, as inbox entries hold them, with the
            error's name.
    """

    calls: dict[str, Call | None] = field(default_factory=dict)
    tombs: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    intervals: dict[str, list[Interval]] = field(default_factory=dict)
    ended: dict[str, bool] = field(default_factory=dict)
    commands: dict[str, tuple[View, dict[str, Command]]] = field(default_factory=dict)
    outgoing: list[Outgoing] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    lost_at: datetime | None = None
    aside: list[tuple[bytes, str]] = field(default_factory=list)
