"""Sources that fall silent, and what becomes of their calls."""

from tests.unit.domain.life import second
from tests.unit.keep.inbox import (
    ASMITH,
    JDOE,
    TICK,
    Inbox,
    alive,
    call_key,
    entries,
    recorded,
    resyncs,
)


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


def test_an_owner_that_told_nothing_here_can_blind_a_source() -> None:
    """It took over from one that lives, and has not had an answer."""
    inbox = recorded()
    inbox.enter(20, alive("p1"), alive("p2", (JDOE, 2, 12.0)))
    assert inbox.state() == ("unknown", "source_blind")
    inbox.enter(21, inbox.observed(JDOE, "active", "paused"))
    assert inbox.partition.counts["stale"] == 1
    seen = inbox.observed(JDOE, "active", "paused", token=2)
    inbox.enter(22, seen, inbox.complete(JDOE, call_key(), token=2, process="p2"))
    assert inbox.state() == ("paused", None)


def test_what_a_new_owner_has_not_read_in_time_is_unknown() -> None:
    """Since it began; what it has read by then stays, and nothing is asked anew."""
    inbox = recorded()
    inbox.enter(2, inbox.observed(JDOE, "active", "recording", call=call_key("01B")))
    beat = alive("p2", unread=[(JDOE, 2)])
    inbox.enter(4, alive("p1"), beat)
    inbox.enter(8, inbox.observed(JDOE, "active", "recording", token=2))
    assert inbox.enter(14, beat, TICK) == []
    assert inbox.enter(15, beat, TICK) == ["recording.unknown", "issue.opened"]
    assert inbox.state() == ("recording", None)
    assert inbox.state("01B") == ("unknown", "source_blind")
    assert inbox.shown("01B").recording.since == second(4)
    assert resyncs(inbox.drafts[-1]) == []
    inbox.enter(40, beat, TICK)
    assert inbox.state() == ("recording", None)
    whole = inbox.complete(JDOE, call_key(), token=2, process="p2")
    assert "call.ended" in inbox.enter(41, whole)
    assert inbox.partition.calls[call_key("01B")].end_reason == "absent"


def test_a_new_owner_that_read_all_in_time_keeps_what_it_showed() -> None:
    """Its process is known before it tells anything, and the old one is not missed."""
    inbox = recorded()
    inbox.enter(2, alive("p1"), alive("p2", unread=[(JDOE, 2)]))
    seen = inbox.observed(JDOE, "active", "recording", token=2)
    inbox.enter(9, seen, inbox.complete(JDOE, call_key(), token=2, process="p2"))
    inbox.enter(18, alive("p2"), TICK)
    assert inbox.state() == ("recording", None)
    assert inbox.enter(28.5, TICK)[0] == "recording.unknown"


def test_an_owner_that_dies_before_it_has_read_all_is_missed() -> None:
    """By its process, as any other."""
    inbox = recorded()
    inbox.enter(2, alive("p2", unread=[(JDOE, 2)]))
    inbox.enter(3, inbox.observed(JDOE, "active", "recording", token=2))
    inbox.enter(11, alive("p1"), TICK)
    assert inbox.state() == ("recording", None)
    inbox.enter(12.5, alive("p1"), TICK)
    assert inbox.state() == ("unknown", "source_blind")


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


def test_a_retired_source_is_missed_by_nobody() -> None:
    """Nor is what somebody still says of it news; who comes back under its name is."""
    inbox = recorded()
    inbox.enter(2, inbox.report(JDOE, "down", retired=True), alive())
    for s in (13, 30, 50):
        assert "source.down" not in inbox.enter(s, TICK)
    late = alive("p1", (JDOE, 1, 60.0), unread=[(JDOE, 1)])
    assert "source.down" not in inbox.enter(60, late, TICK)
    assert JDOE not in inbox.partition.health.sources
    seen = inbox.observed(JDOE, "active", "recording", token=2)
    inbox.enter(70, seen, inbox.complete(JDOE, call_key(), token=2))
    assert inbox.partition.health.sources[JDOE].state == "up"
    assert "source.down" not in inbox.enter(79, TICK)
    assert "account.down" in inbox.enter(81, TICK)


def test_lost_inputs_blind_everything() -> None:
    """Every source is to read everything again."""
    inbox = recorded()
    inbox.enter(2, inbox.observed(ASMITH, "active", call=call_key("01B")))
    inbox.partition.blind_everything(second(9))
    draft = inbox.partition.take_draft()
    assert [r.source for r in resyncs(draft)] == [ASMITH, JDOE]
    assert inbox.state() == ("unknown", "source_blind")
