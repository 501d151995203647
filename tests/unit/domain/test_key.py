"""Keys, partitions, and who should own what."""

from hypothesis import given
from hypothesis import strategies as st

from tracker.domain.key import account_of, make_key, partition_of, split_key
from tracker.domain.placement import owner_of


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_a_keys_parts_come_back(parts: list[str]) -> None:
    """No part can forge a slash."""
    key = make_key(*parts)
    assert key.count("/") == len(parts) - 1
    assert split_key(key) == tuple(parts)


def test_sources_lie_with_their_account() -> None:
    """Calls lie by themselves, also one that shares a source's key."""
    key = make_key("genesys", "acme", "jdoe")
    account = account_of(key)
    assert account == "genesys/acme"
    for partitions in (1, 16):
        assert partition_of("source", key, partitions) == partition_of(
            "account", account, partitions
        )
    spread = {partition_of("call", f"genesys/acme/{n}", 16) for n in range(500)}
    assert spread == set(range(16))


def test_a_process_that_goes_moves_only_its_own_share() -> None:
    """And what it had is spread over the others."""
    names = [f"partition-{n}" for n in range(200)]
    before = {name: owner_of(name, ["x", "y", "z"]) for name in names}
    after = {name: owner_of(name, ["z", "x"]) for name in names}
    assert set(before.values()) == {"x", "y", "z"}
    assert all(after[n] == before[n] for n in names if before[n] != "y")
    assert {after[n] for n in names if before[n] == "y"} == {"x", "z"}
    assert owner_of("partition-1", []) is None
