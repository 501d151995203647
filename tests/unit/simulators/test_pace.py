"""Random traffic moves at its rate, also at a slow one."""

import asyncio
from itertools import count

import pytest

from tracker.simulators import pace


@pytest.mark.parametrize("rate", [0.25, 1.0, 4.0])
async def test_traffic_moves_as_often_as_it_should(
    rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty seconds of a clock that goes on by half a second whenever it is read."""
    monkeypatch.setattr(pace, "_TICK_S", 0.0)
    clock = (number / 2 for number in count())
    read: list[float] = []
    moves: list[float] = []
    done = asyncio.Event()

    def now_s() -> float:
        read.append(next(clock))
        if read[-1] >= 20:
            done.set()
        return read[-1]

    class Moved:
        def move(self) -> None:
            moves.append(read[-1])

    driving = asyncio.create_task(pace.drive(Moved(), rate, now_s))
    async with asyncio.timeout(5):
        await done.wait()
    driving.cancel()
    await asyncio.wait([driving])
    assert abs(len([at_s for at_s in moves if at_s <= 20]) - 20 * rate) <= 1
