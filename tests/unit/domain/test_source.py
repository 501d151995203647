"""The health of sources and accounts."""

from tests.unit.domain.life import second
from tracker.domain.snapshot import SourceSnapshot
from tracker.domain.source import decide_account, decide_source
from tracker.domain.terms import SourceState

KEY = "genesys/acme/jdoe"


def source(
    state: SourceState = "up", s: float = 0, name: str = "jdoe"
) -> SourceSnapshot:
    """A source in *state* since second *s*."""
    made = decide_source(None, f"genesys/acme/{name}", state, second(s)).entity
    assert made is not None
    return made


def test_a_source_that_goes_down_was_last_alive_then() -> None:
    """It says since when, and why."""
    made = decide_source(source(), KEY, "down", second(8), "no answer in time")
    after = made.entity
    assert after is not None
    assert (after.state, after.since, after.alive_at) == ("down", second(8), second(8))
    assert (after.last_error, after.version) == ("no answer in time", 2)
    [change] = made.changes
    assert (change.type, change.at) == ("source.down", second(8))
    assert change.detail == {"from": "up", "to": "down", "error": "no answer in time"}


def test_the_same_state_again_changes_nothing() -> None:
    """Nothing is to be written either."""
    made = decide_source(source(), KEY, "up", second(9))
    assert (made.kept, made.changes) == (False, ())


def test_another_reason_is_kept_but_is_no_event() -> None:
    """Since when it is down stays."""
    down = decide_source(source(), KEY, "down", second(8), "reset").entity
    made = decide_source(down, KEY, "down", second(9), "refused")
    assert made.changes == ()
    assert made.entity is not None
    assert (made.entity.since, made.entity.alive_at) == (second(8), second(8))
    assert (made.entity.last_error, made.entity.version) == ("refused", 3)


def test_a_source_that_never_answered_was_never_alive() -> None:
    """Its first report says that it is down."""
    assert source("down").alive_at is None
    assert source("locked").alive_at is None
    assert source("up", 5).alive_at == second(5)


def test_an_account_is_up_while_any_of_its_sources_is() -> None:
    """It goes down with the last one, at that one's time, once."""
    up, down = source("up"), source("down", 7, "asmith")
    first = decide_account(None, "genesys/acme", [up, down], second(1))
    assert [change.type for change in first.changes] == ["account.up"]
    again = decide_account(first.entity, "genesys/acme", [up, down], second(2))
    assert (again.kept, again.changes) == (False, ())
    gone = decide_source(up, KEY, "down", second(9), "reset").entity
    assert gone is not None
    last = decide_account(first.entity, "genesys/acme", [gone, down], second(20))
    [change] = last.changes
    assert (change.type, change.at) == ("account.down", second(9))
    assert change.detail == {"from": "up", "to": "down", "sources": 2}
    assert last.entity is not None
    assert last.entity.alive_at == second(9)
    assert last.entity.last_error == "reset"
    assert last.entity.version == 2


def test_a_locked_account_is_down() -> None:
    """And one without sources has nothing to be down for."""
    assert (
        decide_account(None, "genesys/acme", [source("locked")], second(1))
        .changes[0]
        .type
        == "account.down"
    )
    assert decide_account(None, "genesys/acme", [], second(1)).changes[0].type == (
        "account.up"
    )
