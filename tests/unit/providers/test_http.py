import asyncio

import aiohttp
import pytest

from tracker.errors import ProviderLockedError, ProviderUnavailableError
from tracker.providers.http import (
    Gate,
    Pace,
    provider_errors,
    status_error,
)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_lock(status: int) -> None:
    """401 and 403 need a person."""
    assert isinstance(status_error(status, "acme"), ProviderLockedError)


@pytest.mark.parametrize("status", [302, 400, 404, 408, 429, 500, 503, 599])
def test_everything_else_is_worth_another_try(status: int) -> None:
    """Other statuses are the server's trouble, with what it asked to wait."""
    error = status_error(status, "acme", retry_after="7")
    assert isinstance(error, ProviderUnavailableError)
    assert error.retry_after_s == 7
    assert str(error) == f"acme: HTTP {status}"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        ("86400", 3600),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Mon, 1 Jan 2024 00:00:00 +999999999999999999", None),
    ],
)
def test_a_server_is_left_alone_for_an_hour_at_most(
    value: str | None, seconds: float | None
) -> None:
    """And nonsense asks for nothing."""
    error = status_error(429, "acme", value)
    assert isinstance(error, ProviderUnavailableError)
    assert (error.retry_after_s, error.taken) == (seconds, False)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (TimeoutError(), "acme: no answer in time"),
        (aiohttp.ServerDisconnectedError("secret"), "acme: ServerDisconnectedError"),
        (aiohttp.ClientOSError(104, "Connection reset"), "acme: Connection reset"),
        (aiohttp.ClientPayloadError("secret"), "acme: ClientPayloadError"),
    ],
)
def test_the_librarys_errors_are_mapped_without_content(
    raised: Exception, said: str
) -> None:
    """Every failure of the network is one error, and repeats nothing received."""
    with pytest.raises(ProviderUnavailableError) as caught, provider_errors("acme"):
        raise raised
    assert str(caught.value) == said


async def test_the_gate_lets_those_through_first_who_have_begun() -> None:
    """Begun ones go first, the last of them foremost; the others in their order."""
    gate = Gate(per_s=0.001)
    passed: list[str] = []

    async def enter(name: str, *, begun: bool) -> None:
        await gate.turn(begun=begun)
        passed.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name in ("first", "a", "b"):
            tasks.create_task(enter(name, begun=False))
        for name in ("x", "y"):
            tasks.create_task(enter(name, begun=True))
        await asyncio.sleep(0)
        assert gate.release(9) == 4
    assert passed == ["first", "y", "x", "a", "b"]


async def test_who_gives_up_at_the_gate_costs_nobody_a_turn() -> None:
    """A cancelled waiter is passed over."""
    gate = Gate(per_s=0.001)
    await gate.turn(begun=False)
    gone = asyncio.create_task(gate.turn(begun=True))
    waiting = asyncio.create_task(gate.turn(begun=False))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    assert gate.release(1) == 1
    await waiting


async def test_the_gate_opens_by_itself_again_and_again() -> None:
    """Those who wait get through without anybody's proof."""
    gate = Gate(per_s=1000)
    async with asyncio.timeout(5):
        for _ in range(5):
            await gate.turn(begun=False)


async def test_a_proof_lets_others_through_the_gate() -> None:
    """Who has proved the server passes freely, and takes others along."""
    gate = Gate(per_s=0.001)
    proven, other = Pace(gate), Pace(gate)
    await proven.turn()
    waiting = asyncio.create_task(other.turn())
    await asyncio.sleep(0)
    proven.proved()
    async with asyncio.timeout(5):
        await waiting
        await proven.turn()
        await proven.turn()


async def test_a_failure_closes_the_way_again() -> None:
    """After a failure or a doubt one stands at the gate like everybody."""
    gate = Gate(per_s=0.001)
    pace = Pace(gate)
    await pace.turn()
    for setback in (pace.failed, pace.refused, pace.doubted):
        pace.proved()
        setback()
        waiting = asyncio.create_task(pace.turn())
        done, _ = await asyncio.wait([waiting], timeout=0.01)
        assert not done
        waiting.cancel()
