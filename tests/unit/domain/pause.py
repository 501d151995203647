"""A pause that somebody asked for, as far as it has come."""

from tests.unit.domain.life import Life
from tracker.domain.terms import RecordingState


def asked(before: RecordingState | None = "recording") -> Life:
    """A pause, asked for at second 10 of a call in the state *before*."""
    life = Life()
    life.at(0).told("a", "active", before)
    assert life.at(10).ask("pause", reason="payment") == ["command.requested"]
    return life


def sent(before: RecordingState | None = "recording") -> Life:
    """The same, let through at second 11."""
    life = asked(before)
    assert life.at(11).send("a") == ["call.changed"]
    return life


def accepted() -> Life:
    """The same, answered with a 2xx at second 12: due at 26, and 2 s more."""
    life = sent()
    assert life.at(12).result("a", "accepted") == ["command.accepted"]
    return life
