"""Who asks, and for what."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

from tracker.domain.view import View
from tracker.domain.wanted import Wanted
from tracker.fanout.filters import Filter, Query, Visibility


class Known(Protocol):
    """Whoever has said who they are."""

    @property
    def subject(self) -> str:
        """Their name."""
        ...

    @property
    def visibility(self) -> Visibility:
        """What they may see."""
        ...

    @property
    def scopes(self) -> Collection[str]:
        """What they may do."""
        ...


class Asker(NamedTuple):
    """Who asks.

    Attributes:
        limits: To what.
        controls: They may command.
        reads: They may also be told how it is.
    """

    subject: str
    limits: Visibility
    controls: bool
    reads: bool

    @classmethod
    def of(cls, who: Known) -> "Asker":
        """*who*, as one who asks."""
        controls, reads = (f"calls:{may}" in who.scopes for may in ("control", "read"))
        return cls(who.subject, who.visibility, controls, reads)

    def sees(self, view: View) -> bool:
        """The entity is among those that the token is for."""
        return Query(Filter(), self.limits.but(kinds=None)).matches(view)

    @property
    def knows_calls_by_who_is_on_them(self) -> bool:
        """Nothing may be told to them of a call that nobody has seen."""
        return self.limits.agents is not None or self.limits.teams is not None

    def has_account(self, account: str) -> bool:
        """The account, whoever is on its calls, is among those."""
        limits = self.limits.but(kinds=None, agents=None, teams=None)
        view = View(kind="account", key=account, account=account)
        return Query(Filter(), limits).matches(view)


class Asked(NamedTuple):
    """What they ask for.

    Attributes:
        call: Its key.
        wait_s: For the command's end, once it is taken.
    """

    call: str
    wanted: Wanted
    idempotency_key: str | None = None
    wait_s: float = 0.0
