"""The hub finds the receivers of an event, and tells each the right thing."""

from tests.unit.fanout.world import MemoryOutbox, entry, view
from tracker.domain.view import View
from tracker.fanout.cursor import Place
from tracker.fanout.events import expand
from tracker.fanout.filters import Filter, Query
from tracker.fanout.hub import Hub
from tracker.fanout.published import Published
from tracker.fanout.ring import Ring

ONE = "genesys/acme/c1"


class Told:
    """A subscriber that remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.removals: list[int] = []
        self.losses = 0

    def deliver(self, event: Published) -> None:
        self.events.append(str(event.position))

    def removed(self, event: Published) -> None:
        self.removals.append(event.version)

    def lost(self) -> None:
        self.losses += 1


class Stage:
    """A hub, and an outbox whose entries are published as they are appended."""

    def __init__(self) -> None:
        self.outbox = MemoryOutbox(1)
        self.hub = Hub(Ring(1, 100))

    def publish(
        self, before: View | None, after: View | None, version: int = 1, facts: int = 1
    ) -> None:
        types = ("tracker.call.changed",) * facts
        tailed = self.outbox.append(entry(before, after, version, types))
        events = expand(tailed, self.outbox.epoch)
        self.hub.publish(0, Place.parse(tailed.id), events)

    def subscribe(self, **fields: str) -> tuple[Query, Told]:
        wanted = {name: [value] for name, value in fields.items()}
        query, told = Query(Filter.model_validate(wanted)), Told()
        self.hub.add(query, told)
        return query, told


def test_an_event_reaches_its_receivers_and_nobody_else() -> None:
    """By call, agent, team, account or everything."""
    stage = Stage()
    wanted = [
        {"calls": ONE},
        {"agents": "ann"},
        {"teams": "team-ann"},
        {"accounts": "genesys/acme"},
        {"providers": "genesys"},
        {},
    ]
    receivers = [stage.subscribe(**fields)[1] for fields in wanted]
    other = {"agents": "bob"}, {"accounts": "kazoo/acme"}, {"providers": "kazoo"}
    strangers = [stage.subscribe(**fields)[1] for fields in other]
    stage.publish(None, view(ONE, "ann"))
    assert [told.events for told in receivers] == [["e1.0.1001-0"]] * 6
    assert [told.events for told in strangers] == [[]] * 3


def test_everybody_with_the_same_query_is_told() -> None:
    """Subscribers who ask the same do not hide one another."""
    stage = Stage()
    first, second = stage.subscribe(agents="ann"), stage.subscribe(agents="ann")
    stage.publish(None, view(ONE, "ann"))
    stage.hub.discard(*first)
    stage.publish(view(ONE, "ann"), view(ONE, "ann"), 2)
    assert len(first[1].events) == 1
    assert len(second[1].events) == 2


def test_one_who_is_found_twice_is_told_once() -> None:
    """A call of two agents, both of them asked for."""
    stage = Stage()
    told = Told()
    stage.hub.add(Query(Filter(agents=frozenset({"ann", "bob"}))), told)
    stage.publish(None, view(ONE, "ann", "bob"))
    assert len(told.events) == 1


def test_a_handover_is_told_to_both_agents() -> None:
    """Who left gets the version only, once; who came gets every event."""
    stage = Stage()
    (_, ann), (_, bob) = stage.subscribe(agents="ann"), stage.subscribe(agents="bob")
    stage.publish(view(ONE, "ann"), view(ONE, "bob"), 7, facts=2)
    assert (ann.events, ann.removals) == ([], [7])
    assert (bob.events, bob.removals) == (["e1.0.1001-0.1", "e1.0.1001-0.2"], [])


def test_an_entity_that_goes_without_a_word_is_removed() -> None:
    """A source that is no longer in the settings, say."""
    stage = Stage()
    (_, told), (_, other) = stage.subscribe(agents="ann"), stage.subscribe(agents="bob")
    stage.publish(view(ONE, "ann"), None, 3, facts=0)
    assert (told.removals, other.removals) == ([3], [])


def test_discarding_is_complete_and_may_be_repeated() -> None:
    """Nothing of a subscriber stays; discarding a stranger does nothing."""
    stage = Stage()
    query, told = stage.subscribe(agents="ann")
    stage.hub.discard(query, Told())
    stage.hub.discard(query, told)
    stage.hub.discard(query, told)
    stage.publish(None, view(ONE, "ann"))
    assert told.events == []
    assert not stage.hub._index
    assert not stage.hub._groups


def test_a_lost_partition_is_told_to_all() -> None:
    """Even those whom its next event would not concern; they may leave at once."""
    stage = Stage()
    query, told = stage.subscribe(agents="ann")

    class Leaving(Told):
        def lost(self) -> None:
            super().lost()
            stage.hub.discard(query, self)

    leaving = Leaving()
    stage.hub.add(query, leaving)
    stage.hub.reset(0, Place(5, 0))
    assert (told.losses, leaving.losses) == (1, 1)
