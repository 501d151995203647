"""A command to the whole call: proved when it is true of the call."""

from collections.abc import Callable

import pytest

from tests.unit.domain.life import Life
from tracker.domain.terms import Action


def conference() -> Life:
    """Three legs; the pause goes to the two that record."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).told("b", "active", "recording")
    life.at(2).told("c", "active", "paused")
    life.at(10).ask("pause")
    assert [e.source[-1] for e in life.command.executions] == ["a", "b"]
    for agent in "ab":
        life.at(11).send(agent, attempt=agent)
        life.at(12).result(agent, "accepted", attempt=agent)
    return life


def test_a_command_to_every_leg_is_settled_when_all_are() -> None:
    """It is as strong as its weakest part."""
    life = conference()
    assert "command.confirmed" not in life.at(13).told("a", "active", "paused")
    assert life.stage() == "accepted"
    assert "command.confirmed" in life.at(14).told("b", "active", "paused")
    assert life.shown.command is not None
    assert life.shown.command.source is None


def test_parts_have_deadlines_of_their_own() -> None:
    """One leg's source waits longer than the other's."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).told("b", "active", "recording")
    life.at(10).ask("pause")
    life.at(11).send("a")
    assert life.next_due_s() == 28
    life.at(28).tick()
    assert [e.stage for e in life.command.executions] == ["unconfirmed", "requested"]
    assert life.next_due_s() == 70
    assert "command.unconfirmed" in life.at(70).tick()


OVERRULED: dict[str, tuple[Callable[[Life], list[str]], str]] = {
    "another leg began to record": (
        lambda x: x.at(13).told("c", "active", "recording"),
        "contradicted",
    ),
    "a new leg records": (
        lambda x: x.at(13).told("d", "active", "recording"),
        "contradicted",
    ),
    "a proved leg records again": (
        lambda x: x.at(13.5).told("a", "active", "recording"),
        "contradicted",
    ),
    "another leg cannot be seen": (
        lambda x: x.at(13).blind("c", since_s=12),
        "unconfirmed",
    ),
    "a new leg that does not report": (
        lambda x: x.at(13).told("d", "active"),
        "confirmed",
    ),
}


@pytest.mark.parametrize("name", OVERRULED)
def test_a_call_is_paused_only_when_no_leg_records_or_is_unknown(name: str) -> None:
    """Though all that was asked for is proved."""
    meanwhile, stage = OVERRULED[name]
    life = conference()
    life.at(12.5).told("a", "active", "paused")
    meanwhile(life)
    told = life.at(14).told("b", "active", "paused")
    assert f"command.{stage}" in told
    assert life.stage() == stage


def test_a_leg_that_leaves_the_call_is_not_needed() -> None:
    """What is proved of those that remain is true of the call."""
    life = conference()
    life.at(13).told("a", "ended")
    assert life.stage() == "accepted"
    assert "command.confirmed" in life.at(14).told("b", "active", "paused")
    assert life.state == ("paused", None)
    life = conference()
    life.at(13).told("b", "active", "paused")
    assert "command.confirmed" in life.at(14).told("a", "ended")


def test_a_leg_that_leaves_proves_nothing_of_those_that_remain() -> None:
    """Nor what was seen of them before, when the call ends with it."""
    life = conference()
    life.at(13).told("a", "ended")
    assert "command.unconfirmed" not in life.at(20).tick()
    assert "command.contradicted" in life.at(60).tick()
    assert [e.stage for e in life.command.executions] == [
        "contradicted",
        "unconfirmed",
    ]
    assert life.command.executions[0].problem == (
        "the agent left the call before the change was seen"
    )
    life = conference()
    life.at(13).told("b", "active", "paused")
    for agent in "cba":
        life.at(14).told(agent, "ended")
    assert life.stage() == "contradicted"
    problems = [e.problem for e in life.command.executions]
    assert problems == ["the call ended before the change was seen", None]


def test_what_is_refused_of_a_leg_that_has_left_is_no_refusal() -> None:
    """Nor is anything sent for it any more."""
    for agents in ("ab", "ba"):
        life = Life()
        life.at(0).told("a", "active", "recording")
        life.at(1).told("b", "active", "recording")
        life.at(10).ask("pause")
        for agent in agents:
            life.at(11).send(agent, attempt=agent)
        life.at(12).told("a", "ended")
        steps = [
            lambda x: x.result("a", "refused", "no such call", attempt="a"),
            lambda x: x.result("b", "accepted", attempt="b"),
        ]
        for step in steps if agents == "ab" else reversed(steps):
            step(life.at(13))
        assert "command.confirmed" in life.at(14).told("b", "active", "paused")
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).told("b", "active", "recording")
    life.at(10).ask("pause")
    life.at(11).told("a", "ended")
    life.at(12).send("a", attempt="a")
    assert life.answers[-1].problem == "taken"


def two_of_which_nothing_is_known() -> Life:
    """The platform can prove nothing of either until something happens there."""
    life = Life()
    for number, agent in enumerate("ab"):
        life.at(number).told(agent, "active", "unknown", no_proof=True)
    return life


def asked_of_both(life: Life, action: Action) -> Life:
    """Accepted for both legs, and then one shows what was asked."""
    life.at(10).ask(action)
    assert [e.source[-1] for e in life.command.executions] == ["a", "b"]
    for agent in "ab":
        life.at(11).send(agent, attempt=agent)
        life.at(12).result(agent, "accepted", attempt=agent)
    return life


def test_a_call_records_when_one_leg_proves_it() -> None:
    """A leg that can prove nothing has nothing to resume."""
    life = asked_of_both(two_of_which_nothing_is_known(), "resume")
    assert "command.confirmed" in life.at(13).told("a", "active", "recording")
    assert life.state == ("recording", None)


def test_a_call_is_not_paused_while_a_leg_can_prove_nothing() -> None:
    """That one may be recording."""
    life = asked_of_both(two_of_which_nothing_is_known(), "pause")
    assert "command.confirmed" not in life.at(13).told("a", "active", "paused")
    assert life.stage() == "accepted"
    assert "command.unconfirmed" in life.at(40).tick()


def test_a_leg_that_was_named_answers_for_itself() -> None:
    """The others may do as they like."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).told("b", "active", "recording")
    life.at(10).ask("pause", agent="a")
    life.at(11).send("a")
    life.at(12).result("a", "accepted")
    assert "command.confirmed" in life.at(13).told("a", "active", "paused")
    assert life.state == ("recording", None)
