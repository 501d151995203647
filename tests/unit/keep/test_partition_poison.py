"""Inputs that nobody can make sense of."""

import pytest

from tests.unit.keep.inbox import (
    ASMITH,
    JDOE,
    TICK,
    Inbox,
    call_key,
    recorded,
)
from tracker.domain.changes import Policy
from tracker.domain.reading import Observation
from tracker.keep.partition import Partition

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
    poisoned = broken.but(recording=None)
    monkeypatch.setitem(inbox.partition.calls, call_key("01A"), poisoned)
    inbox.enter(20, TICK)
    assert inbox.state("01B") == inbox.state("01C") == ("unknown", "source_blind")
    assert inbox.partition.counts["aside"] == 1
