"""Who gets what: a filter a subscriber asks for, and-ed with what its token allows.

Between fields *and*, within a field *or*. A field that names agents or teams matches
when one of them is on the call. Keys and parts of keys are percent-encoded, as they
are in every public form.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from tracker.domain.base import Model
from tracker.domain.event import EVENT_TYPES
from tracker.domain.spelt import Spelt
from tracker.domain.terms import PLATFORMS, IssueType, Kind, RecordingState
from tracker.domain.view import View
from tracker.fanout.published import Published, Term

MAX_VALUES = 1000
"""Of one field of a filter."""

ALL: Term = ("all", "")
"""What a query that names nothing to index by is found under."""

_Value = Annotated[str, StringConstraints(min_length=1, max_length=256)]
_Many = Field(min_length=1, max_length=MAX_VALUES)
_Values = Annotated[frozenset[_Value], _Many]
_Provider = Annotated[_Value, Field(json_schema_extra={"enum": [*PLATFORMS]})]
_Account = Annotated[
    str,
    Spelt(
        rf"^({'|'.join(PLATFORMS)})/[A-Za-z0-9._~%-]+$",
        f"write provider/account; there are {', '.join(PLATFORMS)}",
    ),
    Field(max_length=256),
]


class AnyFilter(Model):
    """What was asked for, now or by an older release; None = whatever.

    Attributes:
        accounts: ``provider/account``.
        calls: Calls' keys.
        states: Recording states.
        types: Event types; they choose events and no entities.
    """

    model_config = ConfigDict(extra="forbid")

    providers: _Values | None = None
    accounts: _Values | None = None
    teams: _Values | None = None
    agents: _Values | None = None
    calls: _Values | None = None
    states: frozenset[RecordingState] | None = Field(default=None, min_length=1)
    types: _Values | None = None
    issues: frozenset[IssueType] | None = Field(default=None, min_length=1)

    @field_validator("types")
    @classmethod
    def _known(cls, types: frozenset[str] | None) -> frozenset[str] | None:
        unknown = sorted((types or frozenset()) - set(EVENT_TYPES))
        if unknown:
            message = f"no such event type; there are {', '.join(EVENT_TYPES)}"
            raise ValueError(message)
        return types


class Filter(AnyFilter):
    """What a subscriber or a request asks for: names that there can be."""

    providers: Annotated[frozenset[_Provider], _Many] | None = None
    accounts: Annotated[frozenset[_Account], _Many] | None = None

    @field_validator("providers")
    @classmethod
    def _are_providers(cls, names: frozenset[str] | None) -> frozenset[str] | None:
        if names and not names <= PLATFORMS.keys():
            message = f"no such provider; there are {', '.join(PLATFORMS)}"
            raise ValueError(message)
        return names


class Visibility(Model):
    """What a token allows; None = everything, an empty set = nothing.

    Attributes:
        kinds: Of entities.
    """

    providers: frozenset[str] | None = None
    accounts: frozenset[str] | None = None
    teams: frozenset[str] | None = None
    agents: frozenset[str] | None = None
    kinds: frozenset[Kind] | None = None


EVERYTHING = Visibility()

_Values_of = Callable[[View], tuple[str | None, ...]]

_VALUES: Mapping[str, _Values_of] = {
    "calls": lambda view: (view.key,) if view.kind == "call" else (),
    "agents": lambda view: view.agents,
    "teams": lambda view: view.teams,
    "accounts": lambda view: (view.account,),
    "providers": lambda view: (view.provider,),
    "states": lambda view: (view.state,),
    "issues": lambda view: view.issues,
    "kinds": lambda view: (view.kind,),
}
_INDEXED = ("calls", "agents", "teams", "accounts")  # the narrowest first


def terms_of(*views: View | None) -> Iterable[Term]:
    """What *views* are found by, each term once, without `ALL`."""
    terms: dict[Term, None] = {}
    for view in views:
        if view is not None:
            terms["accounts", view.account] = None
            if view.kind == "call":
                terms["calls", view.key] = None
            for agent in view.agents:
                terms["agents", agent] = None
            for team in view.teams:
                terms["teams", team] = None
    return terms


def same_terms(view: View | None, other: View | None) -> bool:
    """Whether two views of one entity are found by the same terms."""
    if view is None or other is None:
        return view is other
    return view.agents == other.agents and view.teams == other.teams


class Verdict(Enum):
    """What an event is to a query."""

    NOTHING = 0
    EVENT = 1
    REMOVED = 2


Chosen = tuple[Published, Verdict]
"""An event that a query wants, or by which an entity leaves it."""


class Query:
    """A filter within what a token allows, ready to be asked often; equal by value."""

    __slots__ = ("_named", "_types", "terms")

    def __init__(self, wanted: AnyFilter, allowed: Visibility = EVERYTHING) -> None:
        self._named = tuple(
            (field, values)
            for part in (wanted, allowed)
            for field in _VALUES
            if (values := getattr(part, field, None)) is not None
        )
        self._types = wanted.types
        self.terms = _narrowest(self._named)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Query):
            return NotImplemented
        return self._named == other._named and self._types == other._types

    def __hash__(self) -> int:
        return hash((self._named, self._types))

    def matches(self, view: View) -> bool:
        """Whether the entity, as *view* shows it, is one of those asked for."""
        for field, values in self._named:
            if values.isdisjoint(_VALUES[field](view)):
                return False
        return True

    def verdict(self, event: Published) -> Verdict:
        """What *event* is to a subscriber with this query.

        An entity that matches after the event, or matched when it went, makes an
        event. One that only matched before makes a `REMOVED`, once per outbox entry,
        whatever its type.
        """
        seen = event.after or (event.before if event.type else None)
        if seen is not None and self.matches(seen):
            wanted = self._types is None or event.type in self._types
            return Verdict.EVENT if wanted else Verdict.NOTHING
        before = event.before
        if before is not None and event.first and self.matches(before):
            return Verdict.REMOVED
        return Verdict.NOTHING

    def choose(self, events: Iterable[Published]) -> list[Chosen]:
        """Those of *events* that mean something to the query, in their order."""
        verdicts = ((event, self.verdict(event)) for event in events)
        return [chosen for chosen in verdicts if chosen[1] is not Verdict.NOTHING]


def _narrowest(named: Iterable[tuple[str, frozenset[str]]]) -> tuple[Term, ...]:
    for field in _INDEXED:
        choices = [values for name, values in named if name == field]
        if choices:
            values = min(choices, key=len)
            return tuple((field, value) for value in sorted(values))
    return (ALL,)
