"""A command's life: requested, sent, accepted, and proved or not."""

from collections.abc import Callable

import pytest

from tests.unit.domain.life import Life, second
from tests.unit.domain.pause import accepted, asked, sent

Step = Callable[[Life], list[str]]

LIVES: dict[str, tuple[Callable[[], Life], list[tuple[Step, list[str]]], str]] = {
    "a notification of the change proves it": (
        accepted,
        [(lambda x: x.at(13).told("a", "active", "paused"), ["recording.paused"])],
        "confirmed",
    ),
    "a poll that began after the 2xx proves it": (
        accepted,
        [
            (
                lambda x: x.at(14).read("a", "active", "paused", age_s=1),
                ["recording.paused"],
            )
        ],
        "confirmed",
    ),
    "a poll that began before the 2xx does not": (
        accepted,
        [
            (lambda x: x.at(14).read("a", "active", "paused", age_s=2.5), []),
            (lambda x: x.at(28).tick(), []),
        ],
        "unconfirmed",
    ),
    "but the next one does": (
        accepted,
        [
            (lambda x: x.at(14).read("a", "active", "paused", age_s=2.5), []),
            (lambda x: x.at(15).read("a", "active", "paused"), []),
        ],
        "confirmed",
    ),
    "a notification that overtook the 2xx proves it with the 2xx": (
        sent,
        [
            (lambda x: x.at(11.5).told("a", "active", "paused"), ["recording.paused"]),
            (lambda x: x.at(12).result("a", "accepted"), ["command.confirmed"]),
        ],
        "confirmed",
    ),
    "a change from before the sending proves nothing": (
        sent,
        [
            (lambda x: x.at(11.5).read("a", "active", "paused", age_s=1), []),
            (lambda x: x.at(12).result("a", "accepted"), ["command.accepted"]),
        ],
        "accepted",
    ),
    "the old state means not yet": (
        accepted,
        [(lambda x: x.at(13).told("a", "active", "recording"), [])],
        "accepted",
    ),
    "silence until the deadline leaves it open": (
        accepted,
        [
            (lambda x: x.at(27.999).tick(), []),
            (lambda x: x.at(28).tick(), ["command.unconfirmed"]),
        ],
        "unconfirmed",
    ),
    "blindness at the deadline leaves it open": (
        accepted,
        [
            (lambda x: x.at(25).blind("a", since_s=12), ["recording.unknown"]),
            (lambda x: x.at(28).tick(), ["command.unconfirmed"]),
        ],
        "unconfirmed",
    ),
    "the deadline's read that shows the old state contradicts it": (
        accepted,
        [(lambda x: x.at(27).read("a", "active", "recording", age_s=1), [])],
        "contradicted",
    ),
    "a read from before the deadline does not": (
        accepted,
        [(lambda x: x.at(27).read("a", "active", "recording", age_s=1.5), [])],
        "accepted",
    ),
    "an unknown state at the deadline is no contradiction": (
        accepted,
        [(lambda x: x.at(27).read("a", "active", "unknown"), ["recording.unknown"])],
        "accepted",
    ),
    "a third state contradicts it": (
        accepted,
        [(lambda x: x.at(13).told("a", "active", "stopped"), ["recording.stopped"])],
        "contradicted",
    ),
    "the target and then another state contradicts it": (
        sent,
        [
            (lambda x: x.at(11.5).told("a", "active", "paused"), ["recording.paused"]),
            (
                lambda x: x.at(11.6).told("a", "active", "recording"),
                ["recording.resumed"],
            ),
        ],
        "contradicted",
    ),
    "the call's end contradicts it": (
        accepted,
        [(lambda x: x.at(13).told("a", "ended"), ["call.ended"])],
        "contradicted",
    ),
    "the call's end does not, when the target was seen": (
        sent,
        [
            (lambda x: x.at(11.5).told("a", "active", "paused"), ["recording.paused"]),
            (lambda x: x.at(11.6).told("a", "ended"), ["command.confirmed"]),
        ],
        "confirmed",
    ),
    "an end that reports the target proves nothing": (
        accepted,
        [(lambda x: x.at(13).told("a", "ended", "paused"), ["call.ended"])],
        "contradicted",
    ),
    "the call's end before it was sent": (
        asked,
        [(lambda x: x.at(11).told("a", "ended"), ["call.ended"])],
        "contradicted",
    ),
    "the provider's no": (
        sent,
        [(lambda x: x.at(12).result("a", "refused", "4"), ["command.refused"])],
        "refused",
    ),
    "a lost answer, and the target seen": (
        sent,
        [
            (lambda x: x.at(12).result("a", "lost", "timed out"), ["call.changed"]),
            (lambda x: x.at(13).read("a", "active", "paused"), ["command.confirmed"]),
        ],
        "confirmed",
    ),
    "a lost answer after the target was seen": (
        sent,
        [
            (lambda x: x.at(11.5).read("a", "active", "paused"), ["recording.paused"]),
            (lambda x: x.at(12).result("a", "lost", "503"), ["command.confirmed"]),
        ],
        "confirmed",
    ),
    "a lost answer, and the old state at the deadline": (
        sent,
        [
            (lambda x: x.at(12).result("a", "lost", "timed out"), []),
            (lambda x: x.at(27).read("a", "active", "recording"), []),
            (lambda x: x.at(28).tick(), ["command.unconfirmed"]),
        ],
        "unconfirmed",
    ),
    "a crash before the asking": (
        sent,
        [(lambda x: x.at(28).tick(), ["command.unconfirmed"])],
        "unconfirmed",
    ),
    "a crash after the asking, and the target seen": (
        sent,
        [
            (lambda x: x.at(12).read("a", "active", "paused"), ["recording.paused"]),
            (lambda x: x.at(28).tick(), ["command.confirmed"]),
        ],
        "confirmed",
    ),
    "a 429 queues it again": (
        sent,
        [(lambda x: x.at(12).result("a", "not_taken"), ["call.changed"])],
        "requested",
    ),
    "and it is sent again": (
        sent,
        [
            (lambda x: x.at(12).result("a", "not_taken"), []),
            (lambda x: x.at(20).send("a", attempt="a2"), ["call.changed"]),
            (lambda x: x.at(21).result("a", "accepted", attempt="a2"), []),
            (lambda x: x.at(22).told("a", "active", "paused"), ["command.confirmed"]),
        ],
        "confirmed",
    ),
    "the answer to an earlier attempt is none": (
        sent,
        [
            (lambda x: x.at(12).result("a", "not_taken"), []),
            (lambda x: x.at(20).send("a", attempt="a2"), []),
            (lambda x: x.at(21).result("a", "accepted", attempt="a1"), []),
        ],
        "sent",
    ),
    "it waits in a rate budget for a minute": (
        asked,
        [
            (lambda x: x.at(69.999).tick(), []),
            (lambda x: x.at(70).tick(), ["command.unconfirmed"]),
        ],
        "unconfirmed",
    ),
    "its executor says that it waited too long": (
        asked,
        [
            (
                lambda x: x.at(70).result("a", "late", attempt=None),
                ["command.unconfirmed"],
            )
        ],
        "unconfirmed",
    ),
    "a late word about one that was sent is none": (
        sent,
        [(lambda x: x.at(70 - 60).result("a", "late", attempt=None), [])],
        "sent",
    ),
    "an outcome of what was not sent is none": (
        asked,
        [(lambda x: x.at(11).result("a", "accepted", attempt=None), [])],
        "requested",
    ),
    "a second 2xx changes nothing": (
        accepted,
        [(lambda x: x.at(13).result("a", "accepted"), [])],
        "accepted",
    ),
}


@pytest.mark.parametrize("name", LIVES)
def test_the_life_of_a_command(name: str) -> None:
    """Each from its beginning to the stage it comes to."""
    begin, steps, stage = LIVES[name]
    life = begin()
    for step, expected in steps:
        told = step(life)
        assert set(expected) <= set(told), told
    assert life.stage() == stage


def test_a_settled_command_says_when_and_why() -> None:
    """All its instants are shown; a proof leaves no problem behind."""
    life = sent()
    life.at(12).result("a", "lost", "timed out")
    assert life.shown.command is not None
    assert life.shown.command.problem == "timed out"
    life.at(13).read("a", "active", "paused")
    command = life.shown.command
    assert command is not None
    assert command.requested_at == second(10)
    assert command.sent_at == second(11)
    assert command.deadline_at == second(26)
    assert command.settled_at == second(13)
    assert command.problem is None


def test_one_that_was_never_sent_says_so() -> None:
    """Also when the call ended meanwhile."""
    late, over = asked(), asked()
    late.at(70).tick()
    over.at(11).told("a", "ended")
    assert late.command.problem == "never sent in time"
    assert over.command.problem == "the call ended before it was sent"


def test_a_change_that_a_command_asked_for_is_caused_by_it() -> None:
    """With who asked, and why."""
    life = accepted()
    life.at(13).told("a", "active", "paused")
    cause = life.shown.recording.cause
    assert (cause.by, cause.command_id) == ("command", "c1")
    assert (cause.actor, cause.reason) == ("jdoe", "payment")
    life.at(20).told("a", "active", "recording")
    assert life.shown.recording.cause.by == "platform"


def test_a_change_of_another_leg_is_not_caused_by_it() -> None:
    """Nor one from before the sending."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).told("b", "active", "stopped")
    life.at(2).ask("pause", agent="a")
    life.at(3).send("a")
    life.at(4).told("a", "ended")
    life.at(5).told("b", "active", "paused")
    assert life.shown.recording.cause.by == "platform"


def test_a_released_leg_was_not_changed_by_a_command() -> None:
    """Whatever state its last message carries."""
    life = accepted()
    assert "command.contradicted" in life.at(13).told("a", "ended", "paused")
    assert life.shown.recording.cause.by == "released"


def test_a_command_survives_blindness_and_its_cause_with_it() -> None:
    """The resync is the look that proves it."""
    life = accepted()
    life.at(20).blind("a", since_s=12.5)
    events = life.at(25).read("a", "active", "paused", age_s=1)
    assert "command.confirmed" in events
    assert life.shown.recording.cause.by == "command"


def test_while_the_state_is_unknown_every_action_of_the_platform_is_allowed() -> None:
    """And the first known state is no third one."""
    life = sent(None)
    life.at(12).result("a", "accepted")
    life.at(13).told("a", "active", "recording")
    assert life.stage() == "accepted"
    life.at(14).told("a", "active", "paused")
    assert life.stage() == "confirmed"
