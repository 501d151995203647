"""Sources and accounts, as their partition tells of them."""

from tests.unit.domain.life import second
from tracker.domain.entry import Entry, Outgoing
from tracker.domain.snapshot import AccountSnapshot, SourceSnapshot
from tracker.keep.health import Health

SOURCES = [f"genesys/acme/agent{n}" for n in range(3)]


def up(*sources: str) -> Health:
    """An account all of whose sources are up."""
    health = Health(0, 1)
    for source in sources:
        health.report(source, "up", second(0), None)
    health.settle(second(0))
    return health


def told(outgoing: list[Outgoing]) -> list[tuple[str, int, list[str]]]:
    """Key, version and event types of each entry."""
    return [
        (header.key, header.version, [fact.type for fact in header.facts])
        for header in (one.header for one in outgoing)
        if isinstance(header, Entry)
    ]


def test_the_first_source_brings_its_account_up() -> None:
    """Each is an entity of its own."""
    health = Health(0, 1)
    health.report(SOURCES[0], "up", second(0), None)
    outgoing = health.settle(second(0))
    assert told(outgoing) == [
        (SOURCES[0], 1, ["tracker.source.up"]),
        ("genesys/acme", 1, ["tracker.account.up"]),
    ]
    source = SourceSnapshot.model_validate_json(outgoing[0].snapshot)
    account = AccountSnapshot.model_validate_json(outgoing[1].snapshot)
    assert (source.state, account.state) == ("up", "up")
    assert health.settle(second(1)) == []


def test_one_source_that_goes_down_is_told() -> None:
    """The account stays up."""
    health = up(*SOURCES)
    health.blind(SOURCES[0], second(5), "no answer in time")
    assert told(health.settle(second(9))) == [
        (SOURCES[0], 2, ["tracker.source.down"]),
    ]


def test_an_account_goes_down_as_one() -> None:
    """Its sources' own alarms are kept back; their snapshots are not."""
    health = up(*SOURCES)
    for source in SOURCES:
        health.blind(source, second(5), "no answer in time")
    outgoing = health.settle(second(9))
    assert told(outgoing) == [
        *((source, 2, []) for source in SOURCES),
        ("genesys/acme", 2, ["tracker.account.down"]),
    ]
    assert all(one.snapshot for one in outgoing)
    assert health.changed_sources == set(SOURCES)


def test_a_source_that_needs_a_person_is_told_also_with_its_account() -> None:
    """Nobody else would come."""
    health = up(SOURCES[0])
    health.report(SOURCES[0], "locked", second(5), "401")
    assert told(health.settle(second(5))) == [
        (SOURCES[0], 2, ["tracker.source.locked"]),
        ("genesys/acme", 2, ["tracker.account.down"]),
    ]


def test_a_locked_source_stays_so_until_it_is_up() -> None:
    """That it is down as well is nothing new."""
    health = up(SOURCES[0])
    health.report(SOURCES[0], "locked", second(5), "401")
    health.settle(second(5))
    health.report(SOURCES[0], "down", second(6), "no answer in time")
    health.blind(SOURCES[0], second(6), "no answer in time")
    assert health.settle(second(6)) == []
    health.report(SOURCES[0], "up", second(7), None)
    assert [types for _, _, types in told(health.settle(second(7)))] == [
        ["tracker.source.up"],
        ["tracker.account.up"],
    ]


def test_blindness_does_not_hide_a_better_reason() -> None:
    """Why it is down was known before it was overdue."""
    health = up(SOURCES[0])
    health.report(SOURCES[0], "down", second(5), "connection refused")
    health.settle(second(5))
    health.blind(SOURCES[0], second(1), "no answer in time")
    assert health.settle(second(6)) == []
    assert health.sources[SOURCES[0]].last_error == "connection refused"


def test_a_retired_source_is_gone() -> None:
    """With its last version, and without an event; its account stays as it is."""
    health = up(*SOURCES)
    health.retire(SOURCES[0])
    [gone] = health.settle(second(5))
    assert isinstance(gone.header, Entry)
    assert (gone.header.after, gone.header.version) == (None, 1)
    assert gone.snapshot == b""
    assert SOURCES[0] not in health.sources
    assert health.changed_sources == set(SOURCES)
    health.retire("genesys/acme/nobody")
    assert health.settle(second(6)) == []


def test_the_last_one_up_takes_the_account_down_when_it_retires() -> None:
    """The others were down all along."""
    health = up(*SOURCES[:2])
    health.report(SOURCES[1], "down", second(5), "reset")
    health.settle(second(5))
    health.retire(SOURCES[0])
    assert told(health.settle(second(6)))[-1] == (
        "genesys/acme",
        2,
        ["tracker.account.down"],
    )


def test_an_account_without_sources_is_gone() -> None:
    """It comes back with its first source, and its versions go on, as the source's."""
    health = up(*SOURCES[:2])
    for source in SOURCES[:2]:
        health.retire(source)
    *_, gone = health.settle(second(5))
    assert isinstance(gone.header, Entry)
    assert (gone.header.key, gone.header.after) == ("genesys/acme", None)
    assert not health.accounts
    assert health.changed_accounts == {"genesys/acme"}
    health.report(SOURCES[0], "up", second(6), None)
    assert told(health.settle(second(6))) == [
        (SOURCES[0], 2, ["tracker.source.up"]),
        ("genesys/acme", 2, ["tracker.account.up"]),
    ]
    health.report("genesys/other/jdoe", "up", second(7), None)
    health.retire("genesys/other/jdoe")
    health.settle(second(7))
    assert health.accounts.keys() == {"genesys/acme"}


def test_an_account_that_was_left_without_sources_is_gone() -> None:
    """An older release kept them."""
    before = up(SOURCES[0])
    health = Health(0, 1)
    health.restore_account(before.accounts["genesys/acme"])
    [gone] = health.settle(second(5))
    assert isinstance(gone.header, Entry)
    assert (gone.header.key, gone.header.after) == ("genesys/acme", None)
    assert health.settle(second(6)) == []


def test_a_source_of_another_partition_is_not_told_of_here() -> None:
    """Each has one place."""
    told_by = []
    for number in range(4):
        health = Health(number, 4)
        health.report(SOURCES[0], "up", second(0), None)
        if health.settle(second(0)):
            told_by.append(number)
    assert len(told_by) == 1


def test_accounts_are_told_of_in_the_order_of_their_keys() -> None:
    """Whatever order a set has: the same inputs make the same bytes."""
    health = Health(0, 1)
    for n in range(9, 0, -1):
        health.report(f"genesys/acme{n}/jdoe", "up", second(0), None)
    keys = [key for key, _, _ in told(health.settle(second(0))) if key.count("/") == 1]
    assert keys == sorted(keys)
    assert len(keys) == 9


def test_a_restored_account_goes_on_where_it_was() -> None:
    """Nothing is told anew."""
    before = up(*SOURCES)
    health = Health(0, 1)
    for restored in before.sources.values():
        health.restore(restored)
    for account in before.accounts.values():
        health.restore_account(account)
    health.report(SOURCES[0], "up", second(9), None)
    assert health.settle(second(9)) == []
    for source in SOURCES:
        health.blind(source, second(5), "its process is gone")
    assert told(health.settle(second(19)))[-1][2] == ["tracker.account.down"]
