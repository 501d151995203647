"""Stored recordings in a partition: told once, linked to their calls whenever."""

from tests.unit.domain.stored import export, recording
from tests.unit.keep.inbox import JDOE, TICK, Inbox, call_key, entries
from tracker.domain.entry import FollowExport
from tracker.domain.reading import Exported, Media, Polled, Saved

M1, M2 = "genesys/acme/m1", "genesys/acme/m2"
SOURCE = "kazoo/acme/recordings"
HOUR_S = 3600.0


def link(media: str = M1, *, gone: bool = False) -> Media:
    """To the call 01A."""
    return Media(call=call_key(), media=media, gone=gone)


def test_a_recording_is_one_event_with_its_snapshot() -> None:
    """Told again it is none, also by another owner, or after a restart."""
    inbox = Inbox()
    told = inbox.stamped(SOURCE, Saved(media=recording("r1", "01A")))
    assert inbox.enter(0, told) == ["media.available"]
    [entry] = entries(inbox.drafts[-1])
    assert (entry.entity, entry.key, entry.version) == ("media", "kazoo/acme/r1", 1)
    assert entry.after is not None
    assert entry.after.account == "kazoo/acme"
    again = inbox.stamped(SOURCE, Saved(media=recording("r1", "01A")), token=2)
    assert inbox.enter(1, again) == []
    assert inbox.enter(2, Saved(media=recording("r1", "01A"), gone=True)) == [
        "media.deleted"
    ]
    [entry] = entries(inbox.drafts[-1])
    assert (entry.version, entry.after) == (2, None)


def test_a_link_to_a_live_call_changes_it_once() -> None:
    """And once more when the recording is deleted."""
    inbox = Inbox()
    inbox.enter(0, inbox.observed(JDOE, "active", "recording"))
    assert inbox.enter(1, link(), link()) == ["call.changed"]
    assert inbox.shown().media == (M1,)
    inbox.enter(2, link(M2), link(gone=True))
    assert inbox.shown().media == (M2,)


def test_a_link_waits_for_its_call() -> None:
    """The recording was known before tracker saw the call, long before."""
    inbox = Inbox()
    assert inbox.enter(0, link(), link(M2)) == []
    inbox.enter(1, link(M2, gone=True))
    inbox.enter(HOUR_S, inbox.observed(JDOE, "active", "recording"))
    assert inbox.shown().media == (M1,)


def test_a_link_to_a_call_that_is_over_or_forgotten() -> None:
    """Told while the call is shown; the links outlive it, and a return has all."""
    inbox = Inbox()
    inbox.enter(0, inbox.observed(JDOE, "active", "recording"))
    inbox.enter(1, inbox.observed(JDOE, "ended"))
    assert inbox.enter(2, link()) == ["call.changed"]
    assert inbox.shown().call.state == "ended"
    inbox.enter(2 * HOUR_S, TICK)
    assert call_key() not in inbox.partition.calls
    assert inbox.enter(24 * HOUR_S, link(M2)) == []
    inbox.enter(25 * HOUR_S, inbox.observed(JDOE, "active", "recording"))
    assert inbox.shown().media == (M1, M2)


def test_an_export_is_followed_until_it_is_settled() -> None:
    """By whoever owns the account's poller; then it is forgotten."""
    inbox = Inbox()
    assert inbox.enter(0, Exported(export=export(), asked=True)) == [
        "export.progressed"
    ]
    key = export().key
    assert inbox.drafts[-1].asks == [FollowExport(export=key)]
    assert key in inbox.partition.recordings.exports
    done = inbox.stamped(SOURCE, Exported(export=export("completed", 9)))
    assert inbox.enter(1, done) == ["export.completed"]
    late = inbox.stamped(SOURCE, Exported(export=export("completed", 9)))
    assert inbox.enter(2, late) == []
    assert inbox.partition.recordings.exports == {}
    assert inbox.drafts[-1].asks == []


def test_an_export_that_is_complete_at_once_is_told_and_not_followed() -> None:
    """There is nothing to wait for."""
    inbox = Inbox()
    asked = Exported(export=export("completed", 9), asked=True)
    assert inbox.enter(0, asked) == ["export.completed"]
    assert inbox.drafts[-1].asks == []


def test_when_a_platform_was_read_to_the_end_is_remembered() -> None:
    """Since the read's beginning."""
    inbox = Inbox()
    inbox.enter(10, inbox.stamped(SOURCE, Polled(age_s=4)))
    polled_at = inbox.partition.recordings.changed_polled[SOURCE]
    assert polled_at.second == 6
