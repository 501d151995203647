"""Every type of event, and who may be told of it."""

import pytest

from tests.unit.fanout.world import EPOCH, entry, view
from tracker.domain.event import EVENT_TYPES, PREFIX
from tracker.domain.terms import Kind, Scope
from tracker.fanout.events import expand
from tracker.fanout.filters import Filter, Query, Verdict, Visibility
from tracker.outlets.auth import KINDS
from tracker.store.outbox import Tailed

ABOUT: dict[str, tuple[Kind, Scope]] = {
    "call": ("call", "calls:read"),
    "recording": ("call", "calls:read"),
    "command": ("call", "calls:read"),
    "issue": ("call", "calls:read"),
    "media": ("media", "recordings:read"),
    "export": ("export", "recordings:read"),
    "source": ("source", "sources:read"),
    "account": ("account", "sources:read"),
    "webhook": ("endpoint", "webhooks:manage"),
}
"""By the type's middle word: what it is about, and the scope that shows that."""

HIDING: list[dict[str, frozenset[str]]] = [
    {"agents": frozenset({"jdoe"})},
    {"teams": frozenset({"team-jdoe"})},
    {"accounts": frozenset({"genesys/other"})},
    {"providers": frozenset({"kazoo"})},
    {"agents": frozenset({"rival"}), "accounts": frozenset({"genesys/other"})},
    {"teams": frozenset({"team-rival"}), "providers": frozenset({"kazoo"})},
    {"agents": frozenset({"rival"}), "teams": frozenset({"team-jdoe"})},
    {"agents": frozenset()},
]


@pytest.mark.parametrize("type_", EVENT_TYPES)
def test_an_event_needs_its_scope_and_that_its_entity_is_visible(type_: str) -> None:
    """One scope shows it, the others do not; a limit that misses it hides it."""
    kind, scope = ABOUT[type_.removeprefix(PREFIX).split(".")[0]]
    agents = ("rival",) if kind == "call" else ()
    key = "genesys/acme" if kind == "account" else "genesys/acme/x"
    seen = view(key, *agents, kind=kind)
    tailed = Tailed(0, "1-0", entry(None, seen, types=(type_,)), b"{}")
    (event,) = expand(tailed, EPOCH)

    def verdict(scopes: set[Scope], **limits: frozenset[str]) -> Verdict:
        kinds = frozenset[Kind]().union(*(KINDS[each] for each in scopes))
        return Query(Filter(), Visibility(kinds=kinds, **limits)).verdict(event)

    assert verdict({scope}) is Verdict.EVENT
    assert verdict(KINDS.keys() - {scope}) is Verdict.NOTHING
    for limits in HIDING:
        assert verdict({scope}, **limits) is Verdict.NOTHING, limits
