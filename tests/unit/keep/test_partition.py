"""What becomes of the inputs of one partition."""

import pytest
from msgspec import convert

from tests.unit.domain.life import second
from tests.unit.keep.inbox import (
    ASMITH,
    JDOE,
    TICK,
    Inbox,
    call_key,
    entries,
    recorded,
    replies,
    watermarks,
)
from tracker.domain.call import Tomb
from tracker.domain.command import Outcome, Request, Sent
from tracker.domain.entry import Order, Reply
from tracker.domain.reading import Media, Stamp, Told, Unreadable


def test_an_observation_is_an_entry_with_a_snapshot() -> None:
    """One entry, one version, all its events; and what is to be stored."""
    inbox = recorded()
    draft = inbox.drafts[-1]
    [entry] = entries(draft)
    assert (entry.key, entry.version, entry.before) == (call_key(), 1, None)
    assert [f.type for f in entry.facts] == [
        "tracker.call.started",
        "tracker.recording.started",
    ]
    assert entry.after is not None
    assert entry.after.agents == ("jdoe",)
    assert entry.recorded_at == second(1)
    assert inbox.shown().recording.state == "recording"
    assert draft.calls[call_key()] == inbox.partition.calls[call_key()]
    assert inbox.partition.offset == "1000-2"


def test_a_change_carries_the_view_before_it() -> None:
    """Who no longer matches is to be told so."""
    inbox = recorded()
    inbox.enter(2, inbox.observed(ASMITH, "active", "paused"))
    inbox.enter(3, inbox.observed(JDOE, "ended"))
    [entry] = entries(inbox.drafts[-1])
    assert entry.before is not None
    assert entry.after is not None
    assert entry.before.agents == ("jdoe", "asmith")
    assert entry.after.agents == ("asmith",)


def test_a_repeat_writes_the_call_but_tells_nobody() -> None:
    """It was seen later, no more."""
    inbox = recorded()
    assert inbox.enter(2, inbox.observed(JDOE, "active", "recording")) == []
    assert inbox.drafts[-1].outgoing == []
    assert call_key() in inbox.drafts[-1].calls


def test_stale_and_repeated_inputs_are_dropped_and_counted() -> None:
    """A process that was stopped and wakes up changes nothing."""
    inbox = Inbox()
    first = inbox.observed(JDOE, "active", "recording", token=1)
    inbox.enter(0, first)
    inbox.enter(1, inbox.complete(JDOE, call_key(), token=2, process="p2"))
    inbox.enter(2, inbox.observed(JDOE, "active", "paused", token=1))
    inbox.enter(3, inbox.complete(JDOE, token=1))
    newest = inbox.observed(JDOE, "active", "stopped", token=2)
    inbox.enter(4, newest)
    inbox.enter(5, newest, first)
    assert inbox.state() == ("stopped", None)
    assert inbox.partition.counts == {"stale": 3, "repeat": 1}


def test_a_checkpoint_releases_what_it_did_not_show() -> None:
    """Only what was last seen before its read began, and only this source's legs."""
    inbox = Inbox()
    for name in ("01A", "01B", "01C"):
        inbox.enter(1, inbox.observed(JDOE, "active", call=call_key(name)))
    inbox.enter(2, inbox.observed(ASMITH, "active", call=call_key("01B")))
    inbox.enter(8, inbox.observed(JDOE, "held", call=call_key("01C")))
    inbox.enter(10, inbox.complete(JDOE, call_key("01A"), age_s=3))
    calls = inbox.partition.calls
    assert calls[call_key("01A")].state == "active"
    assert [leg.live for leg in calls[call_key("01B")].legs] == [False, True]
    assert calls[call_key("01C")].state == "held"
    inbox.enter(12, inbox.complete(JDOE, age_s=1))
    assert calls[call_key("01C")].ended_at == second(11)
    assert calls[call_key("01A")].ended_at == second(11)


def test_a_leg_that_a_new_owner_did_not_find_is_released() -> None:
    """Its call goes on by another leg that it did; an owner's own legs stay."""
    inbox = Inbox()
    for leg in ("a", "b"):
        inbox.enter(1, inbox.observed(JDOE, "active", "recording", leg=leg))
    found = [inbox.observed(JDOE, "active", leg=leg, token=2) for leg in ("b", "c")]
    inbox.enter(5, *found, inbox.complete(JDOE, call_key(), token=2))
    call = inbox.partition.calls[call_key()]
    assert {leg.leg: leg.live for leg in call.legs} == {
        "a": False,
        "b": True,
        "c": True,
    }
    inbox.enter(9, inbox.complete(JDOE, call_key(), token=2))
    assert len(inbox.partition.calls[call_key()].live_legs) == 2


def test_the_watermark_moves_every_two_seconds() -> None:
    """With the input's time, not the clock's."""
    inbox = Inbox()
    marks = []
    for s in range(5):
        inbox.enter(s, TICK)
        marks += [mark.handled_at for mark in watermarks(inbox.drafts[-1])]
    assert marks == [second(0), second(2), second(4)]


def test_time_opens_issues_and_ends_lost_calls() -> None:
    """On the keeper's ticks."""
    inbox = Inbox()
    inbox.enter(0, inbox.observed(JDOE, "active", "stopped", expected="always"))
    assert inbox.enter(4.9, TICK) == []
    assert inbox.enter(5.1, TICK) == ["issue.opened"]
    inbox.enter(6, inbox.complete(JDOE, call_key()))
    assert inbox.enter(20, TICK) == [
        "recording.unknown",
        "issue.opened",
        "issue.closed",
        "account.down",
    ]
    assert inbox.enter(6 + 4 * 3600 - 1, TICK) == []
    assert inbox.enter(6 + 4 * 3600, TICK) == ["issue.closed", "call.ended"]
    assert inbox.shown().call.end_reason == "lost"


def test_an_ended_call_is_forgotten_after_an_hour() -> None:
    """Not before, though something had been due; its tombstone stays."""
    inbox = recorded()
    inbox.enter(2, inbox.observed(JDOE, "active", "paused"))
    inbox.enter(3, inbox.observed(JDOE, "ended"))
    inbox.enter(130, TICK)
    assert call_key() in inbox.partition.calls
    inbox.enter(3602.9, TICK)
    assert call_key() in inbox.partition.calls
    inbox.enter(3603, TICK)
    draft = inbox.drafts[-1]
    [gone] = entries(draft)
    assert (gone.after, gone.version, gone.facts) == (None, 3, ())
    assert gone.before is not None
    assert gone.before.ended is True
    assert draft.calls == {call_key(): None}
    assert draft.tombs == {call_key(): (3, second(3))}
    assert not inbox.partition.calls


def test_a_forgotten_calls_version_goes_on() -> None:
    """Also when it comes back before its tombstone is written."""
    inbox = recorded()
    inbox.enter(2, inbox.observed(JDOE, "ended"))
    inbox.enter(4000, TICK, inbox.observed(JDOE, "active", "recording"))
    assert inbox.shown().version == 3
    assert "tracker.call.reopened" in inbox.told


def test_tombs_are_looked_up_for_calls_that_are_not_known() -> None:
    """Once per batch."""
    inbox = recorded()
    seen = [
        inbox.observed(JDOE, "active", call=call_key(name)) for name in ("01A", "01B")
    ]
    assert inbox.partition.unknown_calls([*seen, TICK]) == {call_key("01B")}
    inbox.partition.tombs[call_key("01B")] = Tomb(41)
    assert inbox.partition.unknown_calls(seen) == set()
    inbox.enter(5, *seen)
    assert inbox.shown("01B").version == 42


def test_a_timeline_is_collected_and_told_with_the_end() -> None:
    """Its storage expires after the end, and no longer when the call is reopened."""
    inbox = recorded()
    inbox.enter(5, inbox.observed(JDOE, "active", "paused"))
    inbox.enter(9, inbox.observed(JDOE, "ended"))
    draft = inbox.drafts[-1]
    assert [i.state for i in draft.intervals[call_key()]] == ["paused"]
    assert draft.ended == {call_key(): True}
    ended = entries(draft)[0].facts[-1]
    assert [i["state"] for i in ended.change["timeline"]] == ["recording", "paused"]
    inbox.enter(10, inbox.observed(JDOE, "active"))
    assert inbox.drafts[-1].ended == {call_key(): False}
    assert len(inbox.partition.timelines[call_key()]) == 3


@pytest.mark.parametrize("restarts", [False, True])
def test_a_timeline_begins_anew_with_each_life(*, restarts: bool) -> None:
    """A new keeper knows, too, that what is stored of a forgotten one comes first."""
    inbox = recorded()
    for life in range(3):
        s = 4000 * (life + 1)
        inbox.enter(s - 3990, inbox.observed(JDOE, "active", "paused"))
        inbox.enter(s - 3980, inbox.observed(JDOE, "ended"))
        inbox.enter(s, TICK, inbox.observed(JDOE, "active", "recording"))
        if restarts:
            inbox.restart()
    inbox.enter(12010, inbox.observed(JDOE, "ended"))
    ended = entries(inbox.drafts[-1])[0].facts[-1]
    assert [i["state"] for i in ended.change["timeline"]] == ["recording"]
    assert len(inbox.timelines[call_key()]) == 7


def test_a_restored_partition_goes_on_where_it_was() -> None:
    """Its clocks, too."""
    inbox = Inbox()
    inbox.enter(0, inbox.observed(JDOE, "active", "paused"), inbox.complete(JDOE))
    inbox.restart()
    assert inbox.enter(121, TICK) == ["issue.opened"]
    inbox.enter(122, inbox.complete(JDOE))
    assert inbox.shown().call.end_reason == "absent"
    [entry, *_] = entries(inbox.drafts[-1])
    assert entry.before is not None


def test_media_are_linked_and_unreadable_messages_counted() -> None:
    """Neither makes a call."""
    inbox = Inbox()
    inbox.enter(0, Media(call=call_key(), media="m1"))
    bad = Unreadable(what="call", shape="{id: str}")
    inbox.enter(1, Told(stamp=Stamp(JDOE, 1, 1), reading=bad))
    assert not inbox.partition.calls
    assert inbox.partition.counts == {"unreadable": 1}


def test_waiters_are_answered_by_entries_that_only_they_see() -> None:
    """A refused request in the outbox; a Sent, won or lost or old, among the asks."""
    inbox = recorded()
    ask = Request(
        id="c1",
        call=call_key(),
        action="pause",
        requested_by="jdoe",
        not_after=second(60),
    )
    inbox.enter(2, ask.but(id="c0", not_after=second(1)))
    assert inbox.enter(3, ask) == ["command.requested"]
    inbox.enter(4, inbox.complete(JDOE, call_key(), token=2))
    for s, (token, attempt) in enumerate([(1, "old"), (2, "won"), (2, "lost")], 5):
        sent = Sent(
            call=call_key(), command="c1", source=JDOE, token=token, attempt=attempt
        )
        inbox.enter(s, sent)
    told = [(r.to, r.problem) for draft in inbox.drafts for r in replies(draft)]
    assert told == [("c0", "expired")]
    asks = (ask for draft in inbox.drafts for ask in draft.asks)
    assert [(a.to, a.problem) for a in asks if isinstance(a, Reply)] == [
        ("old", "taken"),
        ("won", None),
        ("lost", "taken"),
    ]
    outcome = Outcome(
        call=call_key(), command="c1", source=JDOE, attempt="won", result="accepted"
    )
    assert inbox.enter(9, outcome) == ["command.accepted"]


def test_every_step_of_a_command_is_an_order() -> None:
    """Its executors learn of each; settled, it is open no more."""
    inbox = recorded()
    ask = Request(
        id="c1",
        call=call_key(),
        action="pause",
        requested_by="jdoe",
        not_after=second(60),
    )
    told = {"call": call_key(), "command": "c1", "source": JDOE, "attempt": "a"}
    inbox.enter(2, ask)
    inbox.enter(3, convert(told | {"token": 1}, Sent))
    inbox.enter(4, convert(told | {"result": "accepted"}, Outcome))
    inbox.enter(5, inbox.observed(JDOE, "active", "paused"))
    asks = [ask for draft in inbox.drafts for ask in draft.asks]
    orders = [ask for ask in asks if isinstance(ask, Order)]
    assert [order.command and order.command.stage for order in orders] == [
        "requested",
        "sent",
        "accepted",
        None,
    ]
    _, commands = inbox.drafts[-1].commands[call_key()]
    assert commands["c1"].stage == "confirmed"
    counts = {stage: n for (_, stage), n in inbox.partition.stages.items()}
    assert counts == {"requested": 1, "sent": 1, "accepted": 1, "confirmed": 1}
