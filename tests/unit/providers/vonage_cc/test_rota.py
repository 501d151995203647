"""What is read when."""

import math

import pytest

from tracker.domain.reading import Observation
from tracker.providers.vonage_cc.budget import Kind
from tracker.providers.vonage_cc.rota import (
    GIVEN_UP_AFTER,
    KNOWN_FOR_S,
    CallItem,
    Item,
    Rota,
)

POLL_S, AGENTS_S = 5.0, 8.0


@pytest.fixture
def rota() -> Rota:
    return Rota(POLL_S, AGENTS_S)


def read(rota: Rota, now_s: float, kind: Kind = Kind.POLL) -> Item:
    """Read, at once and well, what is due."""
    item = begin(rota, now_s, kind)
    finish(item)
    return item


def begin(rota: Rota, now_s: float, kind: Kind = Kind.POLL) -> Item:
    item = rota.next_item(kind, now_s)
    assert item is not None
    item.begin(now_s)
    return item


def finish(item: Item) -> None:
    item.is_reading = False
    item.went_well()


def seen(call: CallItem) -> None:
    call.shown = Observation(call=call.guid, leg_id=call.guid, state="active")


def test_nothing_to_read_is_probed(rota: Rota) -> None:
    """So that it is known whether the platform answers."""
    probe = read(rota, 0)
    assert not isinstance(probe, CallItem)
    assert rota.next_at(Kind.POLL) == POLL_S
    call = rota.follow("a")
    assert rota.next_item(Kind.POLL, POLL_S) is call


def test_agents_who_are_asked_seldom_do_not_replace_the_probe() -> None:
    """Else the source would look blind."""
    rota = Rota(POLL_S, 600)
    rota.set_agents(["10"], 0)
    read(rota, 0)
    read(rota, 0)
    assert rota.next_at(Kind.POLL) == POLL_S


def test_everything_is_read_about_every_interval(rota: Rota) -> None:
    """Counted from the beginning of its last read, the longest due first."""
    call = rota.follow("a")
    assert read(rota, 0) is call
    assert rota.next_item(Kind.POLL, POLL_S - 0.1) is None
    other = rota.follow("b")
    assert read(rota, POLL_S) is other
    assert read(rota, POLL_S) is call


def test_calls_take_turns_with_agents(rota: Rota) -> None:
    """However many agents there are, what is live is read; and the new goes first."""
    rota.set_agents([str(number) for number in range(50)], 0)
    for guid in ("a", "b"):
        rota.follow(guid)
    rota.begin_round(0)
    rota.follow("c")
    kinds = [type(read(rota, 1)).__name__ for _ in range(4)]
    assert kinds == ["CallItem", "AgentItem"] * 2
    assert rota.calls["c"].began_at_s == rota.calls["a"].began_at_s == 1
    assert rota.calls["b"].began_at_s == -math.inf


def test_a_call_is_not_read_twice_at_once(rota: Rota) -> None:
    """A look asked for meanwhile is a read of its own, afterwards."""
    rota.look("a", 0)
    item = begin(rota, 0, Kind.LOOK)
    assert rota.next_at(Kind.LOOK) == rota.next_at(Kind.POLL) == math.inf
    rota.look("a", 1)
    rota.look("a", 2)
    assert rota.next_at(Kind.LOOK) == math.inf
    finish(item)
    assert rota.next_at(Kind.LOOK) == 1
    assert read(rota, 3, Kind.LOOK) is item
    assert rota.next_at(Kind.LOOK) == math.inf


def test_a_poll_is_the_look_that_was_asked_for(rota: Rota) -> None:
    """It begins after the asking."""
    rota.look("a", 0)
    read(rota, 1, Kind.POLL)
    assert rota.next_at(Kind.LOOK) == math.inf


def test_a_failed_look_is_still_wanted(rota: Rota) -> None:
    """After a back-off that grows."""
    rota.look("a", 0)
    pauses = []
    for now_s in (0, 100, 200):
        item = begin(rota, now_s, Kind.LOOK)
        item.is_reading = False
        item.failed(now_s, 0)
        pauses.append(rota.next_at(Kind.LOOK) - now_s)
    assert pauses == [0.5, 1, 2]


def test_a_round_is_complete_when_all_was_read_in_it(rota: Rota) -> None:
    """Also the calls that its own reads have found."""
    rota.set_agents(["10"], 0)
    rota.begin_round(1)
    read(rota, 1)
    rota.found(rota.agents["10"], "a")
    assert rota.complete_round(1.3) is None
    read(rota, 1.3)
    assert rota.complete_round(1.5) == 1
    assert rota.complete_round(1.6) is None


def test_a_read_from_before_does_not_count(rota: Rota) -> None:
    """A resync wants it read again, at once."""
    rota.follow("a")
    item = begin(rota, 0)
    rota.begin_round(1)
    finish(item)
    assert rota.complete_round(1) is None
    assert rota.next_at(Kind.POLL) == 1


def test_what_always_fails_holds_up_no_round(rota: Rota) -> None:
    """Unless nothing else was read."""
    bad = rota.follow("bad")
    rota.begin_round(0)
    for _ in range(GIVEN_UP_AFTER):
        bad.failed(0, 0)
    assert rota.complete_round(1) is None
    good = rota.follow("good")
    good.begin(2)
    finish(good)
    assert rota.complete_round(3) == 0
    assert "bad" in rota.calls


def fail(item: Item, now_s: float) -> float:
    """How long it's left alone after a failure at that time."""
    item.begin(now_s)
    item.is_reading = False
    item.failed(now_s, 1)
    return item.due_at_s - now_s


def test_a_call_that_cannot_be_read_is_left_alone_ever_longer(rota: Rota) -> None:
    """Not so one that is live, as an agent's or as far as it was shown."""
    bad, theirs, live = (rota.follow(guid) for guid in ("bad", "theirs", "live"))
    theirs.led_by = "10"
    seen(live)
    pauses = [[fail(item, 0) for _ in range(12)] for item in (bad, theirs, live)]
    assert [one[4] for one in pauses] == [16, 16, 16]
    assert [one[-1] for one in pauses] == [600, 30, 30]


def test_a_call_that_could_not_be_read_is_read_when_it_is_asked_for(rota: Rota) -> None:
    """And once for each time that somebody does."""
    rota.look("bad", 0)
    bad = rota.calls["bad"]
    for now_s in range(10):
        fail(bad, now_s)
    assert rota.next_at(Kind.LOOK) == math.inf
    rota.look("bad", 20)
    assert rota.next_at(Kind.LOOK) == 20
    assert fail(bad, 20) > 100
    assert rota.next_at(Kind.LOOK) == math.inf
    rota.follow("bad")
    assert rota.next_item(Kind.POLL, 21) is bad


def test_a_call_that_could_not_be_read_for_a_day_is_forgotten(rota: Rota) -> None:
    """No platform knows it longer; an agent's, or a live one, may be known again."""
    bad, theirs, live = (rota.follow(guid) for guid in ("bad", "theirs", "live"))
    theirs.led_by = "10"
    seen(live)
    for now_s in (0, 1, 2, 3600, KNOWN_FOR_S - 1):
        for call in (bad, theirs, live):
            fail(call, now_s)
            rota.forget_lost(call, now_s)
    assert len(rota.calls) == 3
    for call in (bad, theirs, live):
        fail(call, KNOWN_FOR_S)
        rota.forget_lost(call, KNOWN_FOR_S)
    assert rota.calls.keys() == {"theirs", "live"}


def test_where_no_call_can_be_read_there_is_a_probe(rota: Rota) -> None:
    """It says that the platform answers."""
    bad = rota.follow("bad")
    for _ in range(GIVEN_UP_AFTER):
        assert rota.next_at(Kind.POLL) == bad.due_at_s
        fail(bad, 0)
    assert not isinstance(read(rota, 0), CallItem)
    assert rota.next_at(Kind.POLL) == POLL_S


def test_who_fails_while_others_are_answered_fails_alone(rota: Rota) -> None:
    """Not by a first failure, which may be everybody's."""
    call = rota.follow("a")
    assert not call.fails_alone(5)
    fail(call, 1)
    assert not call.fails_alone(None)
    assert not call.fails_alone(0.5)
    assert call.fails_alone(1.5)
    fail(call, 2)
    assert not call.fails_alone(1.5)


def test_an_agents_call_that_is_over_is_not_asked_for_again(rota: Rota) -> None:
    """Until the agent has another one."""
    rota.set_agents(["10"], 0)
    agent = rota.agents["10"]
    rota.found(agent, "a")
    rota.ended(rota.calls["a"])
    rota.found(agent, "a")
    assert not rota.calls
    rota.found(agent, "b")
    assert rota.calls["b"].led_by == "10"


def test_a_call_outlives_the_following_of_its_agent(rota: Rota) -> None:
    """It is the next agent's when that one has it."""
    rota.set_agents(["10", "11"], 0)
    rota.found(rota.agents["10"], "a")
    rota.found(rota.agents["11"], "a")
    assert rota.calls["a"].led_by == "10"
    rota.set_agents(["11"], 1)
    rota.found(rota.agents["11"], "a")
    assert rota.calls["a"].led_by == "11"
    assert rota.agents.keys() == {"11"}


def test_what_was_not_read_for_long_is_doubtful_once(rota: Rota) -> None:
    """Of calls that were shown."""
    call = rota.follow("a")
    rota.follow("b")
    call.begin(0)
    finish(call)
    seen(call)
    assert rota.oldest_at_s() == 0
    assert rota.doubtful(-1) == []
    assert rota.doubtful(0) == [call]
    call.is_doubted = True
    assert rota.doubtful(9) == []
    assert rota.oldest_at_s() == math.inf
