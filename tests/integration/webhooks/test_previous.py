"""What is kept of the event before an entity's next one: no more than is of use."""

from tests.integration.webhooks.receiver import Receiver
from tests.integration.webhooks.rig import Rig, until

A, B = "genesys/acme/a", "genesys/acme/b"
WEEK_S = 7 * 86_400


async def until_kept(rig: Rig, count: int) -> None:
    """Wait until it is of so many entities, of all endpoints."""
    redis, keys = rig.kept.redis, rig.kept.keys

    async def is_so() -> bool:
        kept = [await redis.call(of.previous, "HLEN", of.previous) for of in keys]
        return bool(sum(kept) == count)

    await until(is_so)


def before(receiver: Receiver, number: int) -> str | None:
    """What one of those that were taken says of the one before it."""
    return receiver.taken[number].headers.get("tracker-previous-id")


async def test_of_what_is_gone_nothing_is_kept(rig: Rig, receiver: Receiver) -> None:
    """Though an event tells of its end, and names the one before."""
    await rig.add(receiver.url)
    async with rig.dispatching():
        await rig.tell(A)
        await receiver.until(lambda: len(receiver.taken) == 1)
        await rig.tell_last(A)
        await receiver.until(lambda: len(receiver.taken) == 2)
        await until_kept(rig, 0)
        await rig.tell(B)
        await until_kept(rig, 1)
    assert before(receiver, 1) == receiver.taken[0].id


async def test_of_who_is_no_more_nothing_is_kept(rig: Rig, receiver: Receiver) -> None:
    """The others keep theirs."""
    removed = await rig.add(receiver.url)
    await rig.add(receiver.url)
    async with rig.dispatching():
        await rig.tell(A)
        await rig.tell(B)
        await until_kept(rig, 4)
        await rig.endpoints.change(removed.id, lambda _: None)
        await until_kept(rig, 2)


async def test_of_long_ago_nothing_is_kept(rig: Rig, receiver: Receiver) -> None:
    """Longer than a delivery is owed, or remembered."""
    await rig.add(receiver.url)
    async with rig.dispatching():
        await rig.tell(A)
        await receiver.until(lambda: len(receiver.taken) == 1)
        await until_kept(rig, 1)
        rig.clock.jump(WEEK_S - 3600)
        await rig.tell(A)
        await receiver.until(lambda: len(receiver.taken) == 2)
        rig.clock.jump(2 * 3600)
        await until_kept(rig, 0)
        await rig.tell(A)
        await receiver.until(lambda: len(receiver.taken) == 3)
    assert before(receiver, 1) == receiver.taken[0].id
    assert before(receiver, 2) is None
