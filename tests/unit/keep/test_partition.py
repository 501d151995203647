"""What becomes of the inputs of one partition."""

import pytest

from tests.unit.domain.life import second
from tests.unit.keep.inbox import (
    ASMITH,
    JDOE,
    TICK,
    Inbox,
    alive,
    call_key,
    entries,
    replies,
    resyncs,
    watermarks,
)
from tracker.domain.changes import Policy
from tracker.domain.command import Outcome, Request, Sent
from tracker.domain.reading import Media, Observation, Stamp, Told, Unreadable
from tracker.keep.partition import Partition


def recorded() -> Inbox:
    """One recorded call of jdoe, told by the process p1."""
    inbox = Inbox()
    inbox.enter(0, inbox.complete(JDOE), alive())
    inbox.enter(1, inbox.observed(JDOE, "active", "recording"))
    return inbox


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


def test_a_gap_blinds_the_source_and_asks_it_to_read_again() -> None:
    """What came after the gap is news of its own leg."""
    inbox = recorded()
    inbox.enter(2, inbox.observed(JDOE, "active", "paused", call=call_key("01B")))
    inbox.skip(JDOE)
    events = inbox.enter(9, inbox.observed(JDOE, "active", "stopped"))
    dark = ["recording.unknown", "issue.opened"]
    assert events[:6] == [*dark, *dark, "recording.stopped", "issue.closed"]
    assert inbox.state() == ("stopped", None)
    assert inbox.state("01B") == ("unknown", "source_blind")
    assert [r.source for r in resyncs(inbox.drafts[-1])] == [JDOE]
    assert inbox.partition.counts["gap"] == 1


def test_a_source_that_told_something_after_a_gap_can_turn_blind_again() -> None:
    """What it showed then is not known for ever."""
    inbox = recorded()
    inbox.skip(JDOE)
    inbox.enter(2, inbox.observed(JDOE, "active", "recording"))
    assert inbox.state() == ("recording", None)
    inbox.enter(12, alive("p1", (JDOE, 1, 9.0)))
    assert inbox.state() == ("unknown", "source_blind")


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


def test_a_resync_ends_blindness() -> None:
    """Its observations first, its checkpoint last, in one entry."""
    inbox = recorded()
    inbox.enter(20, alive("p1", (JDOE, 1, 12.0)))
    assert inbox.state() == ("unknown", "source_blind")
    assert inbox.shown().recording.since == second(8)
    events = inbox.enter(
        30,
        inbox.observed(JDOE, "active", "recording", exact=False),
        inbox.complete(JDOE, call_key()),
    )
    assert events == ["recording.seen", "issue.closed", "source.up", "account.up"]


def test_an_overdue_source_is_recorded_at_the_inputs_time() -> None:
    """The change is back-dated, the record is not."""
    inbox = recorded()
    inbox.enter(20, alive("p1", (JDOE, 1, 12.0)))
    entry = entries(inbox.drafts[-1])[0]
    assert entry.recorded_at == second(20)
    assert entry.facts[0].at == second(8)
    assert inbox.shown().totals.as_of == second(20)


def test_an_old_owner_cannot_blind_a_source() -> None:
    """Its token is not the current one."""
    inbox = recorded()
    inbox.enter(2, inbox.complete(JDOE, call_key(), token=2))
    assert inbox.enter(20, alive("p1", (JDOE, 1, 12.0))) == []
    assert inbox.state() == ("recording", None)


def test_being_overdue_again_says_nothing() -> None:
    """It is told every two seconds."""
    inbox = recorded()
    inbox.enter(20, alive("p1", (JDOE, 1, 12.0)))
    assert inbox.enter(22, alive("p1", (JDOE, 1, 14.0))) == []
    assert inbox.drafts[-1].outgoing == []


def test_a_silent_process_has_its_sources_blinded() -> None:
    """Back-dated to its last sign of life; who takes over is to read again."""
    inbox = recorded()
    inbox.enter(2, alive())
    assert inbox.enter(12, TICK) == []
    events = inbox.enter(12.5, TICK)
    assert events == ["recording.unknown", "issue.opened", "account.down"]
    assert inbox.shown().recording.since == second(2)
    assert [r.source for r in resyncs(inbox.drafts[-1])] == [JDOE]
    assert inbox.enter(13, TICK) == []


def test_a_checkpoint_is_a_sign_of_life() -> None:
    """A process may die before it said that it is alive."""
    inbox = Inbox()
    inbox.enter(0, inbox.observed(JDOE, "active", "recording"), inbox.complete(JDOE))
    inbox.enter(10.5, TICK)
    assert inbox.state() == ("unknown", "source_blind")


def test_an_account_of_many_sources_goes_down_once() -> None:
    """One alarm, and its calls' changes; not one per source."""
    inbox = Inbox()
    sources = [f"genesys/acme/agent{n}" for n in range(50)]
    for n, source in enumerate(sources):
        seen = inbox.observed(source, "active", "recording", call=call_key(f"{n}"))
        inbox.enter(0, seen, inbox.complete(source, call_key(f"{n}")))
    events = inbox.enter(11, TICK)
    assert events.count("account.down") == 1
    assert events.count("source.down") == 0
    assert events.count("recording.unknown") == 50
    assert inbox.enter(12, TICK) == []


def test_a_locked_source_is_blind_and_alarmed() -> None:
    """A person is needed."""
    inbox = recorded()
    events = inbox.enter(5, inbox.report(JDOE, "locked", "401"))
    assert events == [
        "recording.unknown",
        "issue.opened",
        "source.locked",
        "account.down",
    ]
    assert inbox.partition.health.sources[JDOE].state == "locked"


def test_a_source_that_is_down_is_only_a_word() -> None:
    """Its legs turn unknown when it is overdue."""
    inbox = recorded()
    assert "recording.unknown" not in inbox.enter(
        5, inbox.report(JDOE, "down", "connection refused")
    )
    inbox.enter(12, alive("p1", (JDOE, 1, 10.0)))
    assert inbox.state() == ("unknown", "source_blind")
    health = inbox.partition.health.sources[JDOE]
    assert health.last_error == "connection refused"


def test_a_retired_source_is_gone_and_its_legs_are_unknown() -> None:
    """Nobody sees them any more."""
    inbox = recorded()
    inbox.enter(4, inbox.report(ASMITH, "up"))
    events = inbox.enter(5, inbox.report(JDOE, "down", retired=True))
    assert events == ["recording.unknown", "issue.opened"]
    assert inbox.state() == ("unknown", "source_blind")
    assert JDOE not in inbox.partition.health.sources


def test_lost_inputs_blind_everything() -> None:
    """Every source is to read everything again."""
    inbox = recorded()
    inbox.enter(2, inbox.observed(ASMITH, "active", call=call_key("01B")))
    inbox.partition.blind_everything(second(9))
    draft = inbox.partition.take_draft()
    assert [r.source for r in resyncs(draft)] == [ASMITH, JDOE]
    assert inbox.state() == ("unknown", "source_blind")


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
    inbox.partition.tombs[call_key("01B")] = 41
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


def test_a_restored_partition_goes_on_where_it_was() -> None:
    """Its clocks, too."""
    inbox = Inbox()
    inbox.enter(0, inbox.observed(JDOE, "active", "paused"), inbox.complete(JDOE))
    partition = Partition(0, 1, Policy())
    for call in inbox.partition.calls.values():
        partition.restore(call, inbox.partition.timelines[call.key])
    partition.feeds.feeds |= inbox.partition.feeds.feeds
    inbox.partition = partition
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
    """A refused request, a Sent that won, one that lost, one of an old owner."""
    inbox = recorded()
    ask = Request(
        id="c1",
        call=call_key(),
        action="pause",
        requested_by="jdoe",
        not_after=second(60),
    )
    inbox.enter(2, ask.model_copy(update={"id": "c0", "not_after": second(1)}))
    assert inbox.enter(3, ask) == ["command.requested"]
    inbox.enter(4, inbox.complete(JDOE, call_key(), token=2))
    for s, (token, attempt) in enumerate([(1, "old"), (2, "won"), (2, "lost")], 5):
        sent = Sent(
            call=call_key(), command="c1", source=JDOE, token=token, attempt=attempt
        )
        inbox.enter(s, sent)
    told = [(r.to, r.problem) for draft in inbox.drafts for r in replies(draft)]
    assert told == [
        ("c0", "expired"),
        ("old", "taken"),
        ("won", None),
        ("lost", "taken"),
    ]
    outcome = Outcome(
        call=call_key(), command="c1", source=JDOE, attempt="won", result="accepted"
    )
    assert inbox.enter(9, outcome) == ["command.accepted"]


POISON = {
    "a key that is none": Observation(call="nonsense", leg_id="x", state="active"),
    "a key of too many parts": Observation(call="a/b/c/d", leg_id="x", state="active"),
    "an age without end": Observation(
        call=call_key(), leg_id="x", state="active", age_s=1e300
    ),
}


@pytest.mark.parametrize("name", POISON)
def test_a_poisonous_input_is_put_aside(name: str) -> None:
    """It is counted and kept; its neighbours take effect, and the next of its kind."""
    inbox = recorded()
    before = inbox.observed(ASMITH, "active", "paused", call=call_key("01B"))
    poison = inbox.stamped(ASMITH, POISON[name])
    after = inbox.observed(JDOE, "active", "paused")
    for s in (5, 6):
        inbox.enter(s, before, poison, after, inbox.stamped(JDOE, POISON[name]))
    assert inbox.state("01B") == ("paused", None)
    assert inbox.partition.counts["aside"] == 3
    assert {error for d in inbox.drafts for _, error in d.aside} <= {
        "ValueError",
        "OverflowError",
    }
    assert "nonsense" not in inbox.partition.calls


def test_a_poisonous_input_turns_its_own_leg_unknown() -> None:
    """What it would have said nobody knows."""
    inbox = recorded()
    inbox.enter(2, inbox.observed(ASMITH, "active", "paused"))
    inbox.enter(5, inbox.observed(JDOE, "active", "paused", age_s=1e300))
    call = inbox.partition.calls[call_key()]
    assert [leg.blind_at is not None for leg in call.legs] == [True, False]
    assert inbox.enter(6, inbox.observed(JDOE, "active", "paused")) != []


def test_a_poisonous_source_is_put_aside() -> None:
    """Its key has no account."""
    inbox = recorded()
    inbox.enter(2, inbox.complete("nonsense"), inbox.observed(JDOE, "held"))
    assert inbox.partition.counts["aside"] == 1
    assert inbox.shown().call.state == "held"


def test_an_entry_that_cannot_be_read_is_put_aside() -> None:
    """As it is."""
    partition = Partition(0, 1, Policy())
    partition.put_aside(b"\xff")
    assert partition.take_draft().aside == [(b"\xff", "unreadable")]
    assert partition.counts == {"aside": 1}


def test_one_call_that_breaks_does_not_keep_the_others_from_turning_blind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor from being looked at when they are due."""
    inbox = Inbox()
    for name in ("01A", "01B", "01C"):
        inbox.enter(0, inbox.observed(JDOE, "active", "paused", call=call_key(name)))
    inbox.enter(1, inbox.complete(JDOE, *map(call_key, ("01A", "01B", "01C"))))
    broken = inbox.partition.calls[call_key("01A")]
    poisoned = broken.model_copy(update={"recording": None})
    monkeypatch.setitem(inbox.partition.calls, call_key("01A"), poisoned)
    inbox.enter(20, TICK)
    assert inbox.state("01B") == inbox.state("01C") == ("unknown", "source_blind")
    assert inbox.partition.counts["aside"] == 1
