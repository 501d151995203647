"""What becomes of a watch on a call that nobody lists."""

import pytest
from msgspec import convert

from tests.unit.domain.life import second
from tests.unit.keep.inbox import JDOE, TICK, Inbox, call_key, replies
from tracker.domain.command import Outcome, Request, Sent
from tracker.domain.entry import Follow
from tracker.domain.watch import Expectable, Unwatch, Watch, Watched
from tracker.keep.watches import OVER_FOR_S, WAITING_FOR_S


def watching(expected: Expectable | None = None) -> Inbox:
    """A partition with a watch on a call that nobody has seen."""
    inbox = Inbox()
    watch = Watch(id="w1", call=call_key(), expected=expected, requested_by="crm")
    inbox.enter(0, watch)
    return inbox


def the_watch(inbox: Inbox) -> Watched:
    return inbox.partition.watches.watched["w1"]


def test_a_watch_is_answered_and_followed() -> None:
    """Its maker learns that it holds, the account's poller that it is to look."""
    inbox = watching()
    draft = inbox.drafts[-1]
    assert [(r.to, r.problem) for r in replies(draft)] == [("w1", None)]
    assert draft.asks == [Follow(call=call_key())]
    assert the_watch(inbox).state == "waiting"
    assert the_watch(inbox).requested_at == second(0)


@pytest.mark.parametrize(
    ("expected", "other"), [("paused", "recording"), ("recording", "paused")]
)
def test_what_is_expected_becomes_a_command_and_is_proved(
    expected: Expectable, other: Expectable
) -> None:
    """It was accepted elsewhere: it is never asked for here."""
    inbox = watching(expected)
    seen = inbox.enter(1, inbox.observed(JDOE, "active", other, exact=False))
    assert "command.accepted" in seen
    assert the_watch(inbox).command == "w1"
    seen = inbox.enter(2, inbox.observed(JDOE, "active", expected, exact=False))
    assert "command.confirmed" in seen


def test_what_was_so_at_the_first_look_is_proved_by_the_next() -> None:
    """The first one only says that there is such a call."""
    inbox = watching("paused")
    inbox.enter(1, inbox.observed(JDOE, "active", "paused", exact=False))
    again = inbox.observed(JDOE, "active", "paused", exact=False)
    assert inbox.enter(2, again) == ["command.confirmed"]


def test_what_never_shows_is_not_confirmed() -> None:
    """By the deadline that the watch gave."""
    inbox = watching("paused")
    for s in range(1, 16):
        inbox.enter(s, inbox.observed(JDOE, "active", "recording", exact=False))
    last = inbox.observed(JDOE, "active", "recording", exact=False)
    assert "command.contradicted" in inbox.enter(17, last)


def test_a_call_that_the_platform_does_not_know_is_not_found() -> None:
    """It is looked for until the deadline, and forgotten an hour after it."""
    inbox = watching("paused")
    assert inbox.enter(1, inbox.observed(JDOE, "ended")) == []
    assert the_watch(inbox).state == "waiting"
    inbox.enter(2, TICK)
    assert inbox.drafts[-1].asks == [Follow(call=call_key())]
    inbox.enter(3, TICK)
    assert inbox.drafts[-1].asks == []
    inbox.enter(15, inbox.observed(JDOE, "ended"))
    assert the_watch(inbox).state == "not_found"
    inbox.enter(OVER_FOR_S + 14, TICK)
    assert the_watch(inbox).over_at == second(15)
    inbox.enter(OVER_FOR_S + 15, TICK)
    assert "w1" not in inbox.partition.watches.watched


def test_a_new_keeper_looks_for_a_call_that_was_not_there() -> None:
    """Whoever kept the watch before had seen that it was absent."""
    before = watching("paused")
    before.enter(1, before.observed(JDOE, "ended", exact=False))
    inbox = Inbox()
    inbox.partition.watches.restore(the_watch(before))
    inbox.enter(2, TICK)
    assert inbox.drafts[-1].asks == [Follow(call=call_key())]
    inbox.enter(15, inbox.observed(JDOE, "ended", exact=False))
    assert the_watch(inbox).state == "not_found"


def test_a_new_keeper_does_not_look_for_what_is_watched() -> None:
    """Its call was there; so it is seen without being asked for."""
    before = watching()
    before.enter(1, before.observed(JDOE, "active", "recording"))
    inbox = Inbox()
    inbox.partition.watches.restore(the_watch(before))
    assert inbox.partition.watches.to_follow() == set()


def test_what_is_expected_waits_for_another_s_command() -> None:
    """There is one at a time; it is not forgotten over it."""
    inbox = Inbox()
    inbox.enter(0, inbox.observed(JDOE, "active", "recording"))
    other = Request(
        id="c1",
        call=call_key(),
        action="stop",
        requested_by="jdoe",
        not_after=second(60),
    )
    inbox.enter(1, other)
    inbox.enter(
        2, Watch(id="w1", call=call_key(), expected="paused", requested_by="crm")
    )
    assert (the_watch(inbox).state, the_watch(inbox).command) == ("watching", None)
    sent = {"call": call_key(), "command": "c1", "source": JDOE, "attempt": "a"}
    inbox.enter(3, convert(sent | {"token": 1}, Sent))
    inbox.enter(4, convert(sent | {"result": "refused"}, Outcome))
    inbox.enter(5, inbox.observed(JDOE, "active", "recording", exact=False))
    assert the_watch(inbox).command == "w1"
    shown = inbox.shown().command
    assert shown is not None
    assert shown.elsewhere


def test_a_known_call_is_watched_at_once() -> None:
    """What is expected of it need not wait for the next look."""
    inbox = Inbox()
    inbox.enter(0, inbox.observed(JDOE, "active", "recording", exact=False))
    watch = Watch(id="w1", call=call_key(), expected="paused", requested_by="crm")
    assert inbox.enter(1, watch) == ["command.accepted"]
    paused = inbox.observed(JDOE, "active", "paused", exact=False)
    assert "command.confirmed" in inbox.enter(2, paused)


def test_who_waits_for_a_day_waits_in_vain() -> None:
    """No platform knows a call for longer."""
    inbox = watching()
    inbox.enter(WAITING_FOR_S, TICK)
    assert the_watch(inbox).state == "not_found"


def test_a_watch_ends_with_its_call() -> None:
    """By the next tick."""
    inbox = watching()
    inbox.enter(1, inbox.observed(JDOE, "active", "recording"))
    assert the_watch(inbox).state == "watching"
    inbox.enter(2, inbox.observed(JDOE, "ended"))
    inbox.enter(3, TICK)
    assert the_watch(inbox).state == "ended"


def test_a_dropped_watch_is_gone() -> None:
    """And what is not there cannot be dropped."""
    inbox = watching()
    inbox.enter(1, Unwatch(id="w1", call=call_key()))
    inbox.enter(2, Unwatch(id="w1", call=call_key()))
    answers = [r.problem for draft in inbox.drafts for r in replies(draft)]
    assert answers == [None, None, "unknown_watch"]
    assert inbox.enter(3, inbox.observed(JDOE, "active", "paused")) == [
        "call.started",
        "recording.paused",
    ]


def test_a_repeat_changes_nothing() -> None:
    """An append whose answer was lost is made again."""
    inbox = watching()
    inbox.enter(1, inbox.observed(JDOE, "active", "recording"))
    inbox.enter(2, Watch(id="w1", call=call_key(), requested_by="crm"))
    assert the_watch(inbox).state == "watching"
