"""What filters look at."""

from tests.unit.domain.life import CALL, Life
from tracker.domain.view import view_of


def test_a_view_has_the_live_parties() -> None:
    """Each agent and team once."""
    life = Life()
    life.at(0).told("a", "active", "recording", team="sales", expected="never")
    life.at(1).told("b", "active", "paused", team="sales")
    view = view_of(life.known, 5.0)
    assert (view.key, view.account, view.provider) == (CALL, "genesys/acme", "genesys")
    assert view.agents == ("a", "b")
    assert view.teams == ("sales",)
    assert view.state == "recording"
    assert view.issues == ("recorded_forbidden",)
    assert view.ended is False


def test_who_left_matches_no_more() -> None:
    """His subscription is told that the call is gone."""
    life = Life()
    life.at(0).told("a", "active")
    life.at(1).told("b", "active")
    life.at(2).told("a", "ended")
    assert view_of(life.known, 5.0).agents == ("b",)


def test_who_stayed_until_the_end_still_matches() -> None:
    """Two phones are never hung up at the same instant."""
    life = Life()
    for agent in "abc":
        life.at(0).told(agent, "active")
    life.at(1).told("a", "ended")
    life.at(55.5).told("b", "ended")
    life.at(60).told("c", "ended")
    view = view_of(life.known, 5.0)
    assert view.agents == ("b", "c")
    assert view.ended is True
