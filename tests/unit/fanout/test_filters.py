"""Filters within visibility, against an oracle that knows no index and no short cut."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.unit.fanout.world import EPOCH, entry, view
from tracker.domain.event import EVENT_TYPES
from tracker.domain.view import View
from tracker.fanout.events import expand
from tracker.fanout.filters import (
    ALL,
    AnyFilter,
    Filter,
    Query,
    Verdict,
    Visibility,
)
from tracker.fanout.published import Published
from tracker.store.outbox import Tailed

KEYS = ("genesys/acme/c1", "genesys/acme/c2", "kazoo/acme/c1", "kazoo/zen/c3")
AGENTS = ("ann", "bob", "cat")
TYPES = ("tracker.call.changed", "tracker.recording.paused", "tracker.call.ended")

views = st.builds(
    lambda key, agents, kind, state, issues, ended: view(
        key, *agents, kind=kind, state=state, issues=issues, ended=ended
    ),
    st.sampled_from(KEYS),
    st.lists(st.sampled_from(AGENTS), max_size=2, unique=True),
    st.sampled_from(("call", "call", "source")),
    st.sampled_from(("recording", "paused", "stopped")),
    st.sampled_from(((), ("paused_long",), ("unseen", "command_failed"))),
    st.booleans(),
)


def some(values: Iterable[str]) -> st.SearchStrategy[frozenset[str] | None]:
    chosen = st.frozensets(st.sampled_from(tuple(values)), min_size=1, max_size=2)
    return st.none() | chosen


who = {
    "providers": some(("genesys", "kazoo")),
    "accounts": some(("genesys/acme", "kazoo/acme", "kazoo/zen")),
    "agents": some(AGENTS),
    "teams": some(f"team-{agent}" for agent in AGENTS),
}
filters = st.builds(
    Filter,
    **who,
    calls=some(KEYS),
    states=some(("recording", "paused")),
    types=some(TYPES),
    issues=some(("paused_long", "unseen")),
)
visibilities = st.builds(Visibility, **who, kinds=some(("call", "source")))


@st.composite
def events(draw: st.DrawFn) -> list[Published]:
    before = draw(st.none() | views)
    after = draw(views if before is None else st.none() | views)
    if before and after:
        after = after.but(key=before.key, account=before.account, kind=before.kind)
    types = tuple(draw(st.lists(st.sampled_from(TYPES), max_size=2)))
    header = entry(before, after, types=types)
    return expand(Tailed(0, "1-0", header, b"{}"), EPOCH)


def oracle_matches(part: Filter | Visibility, seen: View) -> bool:
    """The rules as they are written: and between fields, or within."""
    has: dict[str, set[Any]] = {
        "providers": {seen.account.split("/")[0]},
        "accounts": {seen.account},
        "agents": set(seen.agents),
        "teams": set(seen.teams),
        "calls": {seen.key} if seen.kind == "call" else set(),
        "states": {seen.state},
        "issues": set(seen.issues),
        "kinds": {seen.kind},
    }
    asked = {name: getattr(part, name, None) for name in has}
    return all(has[name] & set(want) for name, want in asked.items() if want)


def oracle(wanted: Filter, allowed: Visibility, event: Published) -> Verdict:
    """What an event is, by the letter of the design."""

    def matches(seen: View | None) -> bool:
        return seen is not None and all(
            oracle_matches(part, seen) for part in (wanted, allowed)
        )

    told = event.type and (wanted.types is None or event.type in wanted.types)
    gone = event.after is None
    if matches(event.after) or (gone and event.type and matches(event.before)):
        return Verdict.EVENT if told else Verdict.NOTHING
    return Verdict.REMOVED if matches(event.before) and event.first else Verdict.NOTHING


@given(filters, visibilities, events())
def test_query_does_what_the_rules_say(
    wanted: Filter, allowed: Visibility, published: list[Published]
) -> None:
    """Filter, visibility, before and after, types: as the naive oracle has it."""
    query = Query(wanted, allowed)
    for event in published:
        assert query.verdict(event) is oracle(wanted, allowed, event)


@given(filters, visibilities, events())
def test_what_a_query_wants_is_found_by_its_terms(
    wanted: Filter, allowed: Visibility, published: list[Published]
) -> None:
    """An index by terms never misses a receiver."""
    query = Query(wanted, allowed)
    for event, _ in query.choose(published):
        assert query.terms == (ALL,) or set(query.terms) & set(event.terms)


@given(filters, visibilities)
def test_queries_are_equal_when_they_ask_the_same(
    wanted: Filter, allowed: Visibility
) -> None:
    """Subscribers who ask the same are grouped."""
    again = Filter.model_validate_json(wanted.model_dump_json())
    query, same = Query(wanted, allowed), Query(again, allowed)
    assert query == same
    assert hash(query) == hash(same)


def test_an_agent_who_leaves_learns_nothing_of_the_new_content() -> None:
    """Matched before and no longer after: `REMOVED`, once per entry, whatever type."""
    header = entry(
        view(KEYS[0], "ann"), view(KEYS[0], "bob"), types=(TYPES[0], TYPES[1])
    )
    published = expand(Tailed(0, "1-0", header, b"{}"), EPOCH)
    ann = Query(Filter(agents=frozenset({"ann"}), types=frozenset({TYPES[1]})))
    bob = Query(Filter(agents=frozenset({"bob"})))
    assert [ann.verdict(e) for e in published] == [Verdict.REMOVED, Verdict.NOTHING]
    assert [bob.verdict(e) for e in published] == [Verdict.EVENT, Verdict.EVENT]


def test_visibility_is_anded_and_empty_means_nothing() -> None:
    """A token's limits narrow the filter; an empty set lets nothing through."""
    seen = view(KEYS[0], "ann", "bob")
    ann, bob = frozenset({"ann"}), frozenset({"bob"})
    assert Query(Filter(agents=ann), Visibility(agents=bob)).matches(seen)
    assert not Query(Filter(agents=ann), Visibility(accounts=frozenset())).matches(seen)
    assert not Query(Filter(), Visibility(kinds=frozenset())).matches(seen)


def test_a_source_is_no_call_of_the_same_key() -> None:
    """Keys of different kinds may be equal; ``calls`` means calls."""
    query = Query(Filter(calls=frozenset({KEYS[0]})))
    assert query.matches(view(KEYS[0]))
    assert not query.matches(view(KEYS[0], kind="source", state=None))


def test_the_narrowest_field_is_indexed() -> None:
    """Whoever names a call is found by it, not by the account."""
    wanted = Filter(calls=frozenset({KEYS[0]}), accounts=frozenset({"genesys/acme"}))
    assert Query(wanted).terms == (("calls", KEYS[0]),)
    allowed = Visibility(agents=frozenset({"ann"}))
    assert Query(Filter(), allowed).terms == (("agents", "ann"),)
    assert Query(Filter(providers=frozenset({"kazoo"}))).terms == (ALL,)


@pytest.mark.parametrize(
    "bad",
    [
        {"agents": []},
        {"agents": "ann"},
        {"agents": [""]},
        {"agents": ["x" * 257]},
        {"agents": [str(n) for n in range(1001)]},
        {"states": ["off"]},
        {"issues": ["none"]},
        {"types": ["tracker.recording.off"]},
        {"agent": ["ann"]},
        {"agents": [1]},
    ],
)
def test_a_bad_filter_is_refused(bad: dict[str, Any]) -> None:
    """Unknown fields, empty lists, wrong and too many values have no meaning."""
    with pytest.raises(ValidationError):
        Filter.model_validate(bad)


def test_what_an_older_release_took_can_still_be_read() -> None:
    """It matches nothing, and hides nothing else."""
    taken = AnyFilter.model_validate({"accounts": ["acme"], "providers": ["genesis"]})
    assert not Query(taken).matches(view("genesys/acme/c1"))


def test_every_event_type_can_be_asked_for() -> None:
    """The types of a filter are those that events have."""
    every = frozenset(EVENT_TYPES)
    assert Filter(types=every).types == every
