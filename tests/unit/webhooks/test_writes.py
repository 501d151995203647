"""One commit's operations lead to what each of its changes in turn would."""

from hypothesis import given
from hypothesis import strategies as st

from tracker.store.dispatch import MAX_FIELDS, Writes
from tracker.store.ledger import Operation

FIELDS = st.sampled_from("abcd")
CHANGES = st.lists(st.tuples(FIELDS, st.none() | st.integers(0, 9)))


def carried_out(operations: list[Operation]) -> dict[str, dict[object, object]]:
    """What hashes and sorted sets hold afterwards."""
    found: dict[str, dict[object, object]] = {}
    for command, key, *rest in operations:
        held = found.setdefault(str(key), {})
        match command:
            case "HSET":
                held.update(zip(rest[::2], rest[1::2], strict=True))
            case "ZADD":
                held.update(zip(rest[1::2], rest[::2], strict=True))
            case _:
                assert command in ("HDEL", "ZREM")
                for field in rest:
                    held.pop(field, None)
    return found


@given(CHANGES, CHANGES)
def test_the_last_change_of_a_field_counts(
    hashed: list[tuple[str, int | None]], ranked: list[tuple[str, int | None]]
) -> None:
    """Whatever came before it: what is removed and owed again is owed."""
    writes = Writes()
    for field, value in hashed:
        if value is None:
            writes.drop("hash", [field])
        else:
            writes.put("hash", field, value)
    for member, score in ranked:
        if score is None:
            writes.unrank("ranks", [member])
        else:
            writes.rank("ranks", member, score)
    found = carried_out(writes.operations())
    for key, changes in (("hash", hashed), ("ranks", ranked)):
        kept = {name: v for name, v in dict(changes).items() if v is not None}
        assert found.get(key, {}) == kept
    assert bool(writes) == bool(hashed or ranked)


def test_no_operation_is_too_long() -> None:
    """As many as it takes, in order."""
    writes = Writes()
    for number in range(MAX_FIELDS * 2 + 1):
        writes.put("hash", str(number), number)
    operations = writes.operations()
    assert [len(rest) // 2 for _, _, *rest in operations] == [MAX_FIELDS] * 2 + [1]
    numbers = [value for _, _, *rest in operations for value in rest[1::2]]
    assert numbers == list(range(MAX_FIELDS * 2 + 1))
