"""Asking for a command: who is let through, and who is told no."""

from collections.abc import Callable

import pytest

from tests.unit.domain.life import Life, second
from tests.unit.domain.pause import asked, sent


def test_the_first_to_send_wins() -> None:
    """Everybody is answered; the winner again, when he asks again."""
    life = sent()
    life.at(11.5).send("a", attempt="other")
    life.at(11.6).send("a", attempt="a1")
    life.at(11.7).send("a", attempt="a1", id_="unheard-of")
    answers = [(answer.to, answer.problem) for answer in life.answers]
    assert answers == [("a1", None), ("other", "taken"), ("a1", None), ("a1", "taken")]


def test_a_settled_command_cannot_be_sent() -> None:
    """It was waited for long enough."""
    life = asked()
    life.at(70).tick()
    life.at(71).send("a")
    assert life.answers[-1].problem == "taken"


REFUSED: dict[str, tuple[Callable[[Life], list[str]], str]] = {
    "expired": (
        lambda x: x.ask("pause", not_after=second(9), id_="c2"),
        "expired",
    ),
    "nobody of that name": (
        lambda x: x.ask("pause", agent="zoe", id_="c2"),
        "no_such_leg",
    ),
    "paused already": (
        lambda x: x.ask("resume", agent="a", id_="c2"),
        "not_allowed_now",
    ),
    "not on this platform": (
        lambda x: x.ask("pause", agent="b", id_="c2"),
        "unsupported_by_platform",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_may_be_refused(name: str) -> None:
    """Only the waiter hears of it."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).told("b", "active", "recording", actions=("start",))
    refuse, problem = REFUSED[name]
    assert refuse(life.at(10)) == []
    assert [(a.to, a.command, a.problem) for a in life.answers] == [
        ("c2", None, problem)
    ]
    assert life.known.command is None


def test_a_call_that_is_not_known_or_over_takes_no_command() -> None:
    """It is as if there were none."""
    life = Life()
    life.at(0).ask("pause")
    life.at(1).told("a", "active", "recording")
    life.at(2).told("a", "ended")
    life.at(3).ask("pause", id_="c2")
    assert [answer.problem for answer in life.answers] == ["unknown_call"] * 2


def test_one_open_command_per_call() -> None:
    """The second is told of the first; after the first is settled it may come."""
    life = asked()
    life.at(11).ask("stop", id_="c2", not_after=second(5))
    assert life.answers[-1][1:] == ("c1", "command_open")
    life.at(70).tick()
    assert "command.requested" in life.at(71).ask("stop", id_="c3")


def test_a_request_is_told_apart_by_its_subject_and_key() -> None:
    """The same again leads to the same command, whatever became of it."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).ask("pause", id_="c1", idempotency_key="k", requested_by="al")
    life.at(2).ask("pause", id_="c2", idempotency_key="k", requested_by="al")
    assert life.answers[-1] == ("c2", "c1", None)
    life.at(3).result("a", "late", attempt=None)
    life.at(4).ask("pause", id_="c3", idempotency_key="k", requested_by="al")
    assert life.answers[-1] == ("c3", "c1", None)
    told = life.at(5).ask("pause", id_="c4", idempotency_key="k", requested_by="al k")
    assert "command.requested" in told


def test_the_same_request_appended_twice_is_one_command() -> None:
    """Also without a key, and also after it is settled."""
    life = asked()
    assert life.at(11).ask("pause") == []
    life.at(70).tick()
    assert life.at(71).ask("pause") == []
    assert life.command.requested_at == second(10)
