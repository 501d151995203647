"""Waiting for what becomes of a request: each is told of its own."""

import asyncio
from typing import Any

import pytest

from tests.unit.fanout.world import NOW, MemoryOutbox, view
from tracker.domain.entry import Entry, Fact, Header, Reply, Watermark
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.ring import Ring
from tracker.fanout.tail import Tails
from tracker.fanout.waiting import Ticket, Waiting
from tracker.store.outbox import Tailed

CALL = "genesys/acme/c1"


def tailed(header: Header) -> Tailed:
    return Tailed(0, "1-1", header, b"")


def step(command: str, stage: str) -> Tailed:
    """A command of the call has come so far."""
    change: dict[str, Any] = {"command": command, "to": stage}
    fact = Fact(type=f"tracker.command.{stage}", at=NOW, change=change)
    after = view(CALL)
    entry = Entry(
        entity="call", key=CALL, version=2, facts=(fact,), after=after, recorded_at=NOW
    )
    return tailed(entry)


def known(*tickets: Ticket) -> list[tuple[bool, bool]]:
    return [(ticket.answered, ticket.settled) for ticket in tickets]


def test_only_who_asked_is_answered() -> None:
    """A reply, and a command's steps, are for the tickets of that id."""
    waiting = Waiting()
    with waiting.expecting("a") as mine, waiting.expecting("b") as other:
        waiting.take(tailed(Watermark(handled_at=NOW)))
        assert known(mine, other) == [(False, False), (False, False)]
        waiting.take(tailed(Reply(to="a", key=CALL, problem="expired")))
        assert mine.reply is not None
        assert mine.reply.problem == "expired"
        waiting.take(step("b", "requested"))
        assert known(mine, other) == [(True, False), (True, False)]
        waiting.take(step("b", "confirmed"))
        waiting.take(step("b", "accepted"))
        assert known(mine, other) == [(True, False), (True, True)]


@pytest.mark.parametrize("end", ["confirmed", "unconfirmed", "contradicted", "refused"])
async def test_who_waits_is_woken(end: str) -> None:
    """At the step that ends it, not before."""
    waiting = Waiting()
    with waiting.expecting("a") as ticket:
        until = asyncio.create_task(ticket.until(lambda t: t.settled, 10))
        waiting.take(step("a", "requested"))
        await asyncio.sleep(0)
        assert not until.done()
        waiting.take(step("a", end))
        assert await until


async def test_a_call_can_be_waited_for() -> None:
    """Whoever names it is told of its every change."""
    waiting, seen = Waiting(), list[Ticket]()
    with waiting.expecting(CALL) as ticket:
        until = asyncio.create_task(ticket.until(lambda t: len(seen) == 1, 10))
        await asyncio.sleep(0)
        seen.append(ticket)
        waiting.take(step("other", "requested"))
        assert await until
        assert not ticket.answered


async def test_nothing_comes_in_time() -> None:
    """Then that is what is said, and nobody waits any more."""
    waiting = Waiting()
    with waiting.expecting("a") as first, waiting.expecting("a") as second:
        assert not await first.until(lambda t: t.answered, 0)
        waiting.take(tailed(Reply(to="a", key=CALL)))
        assert await second.until(lambda t: t.answered, 0)
    assert waiting._tickets == {}


async def test_after_a_hole_everybody_looks() -> None:
    """What was missed cannot be waited for."""
    waiting = Waiting()
    with waiting.expecting("a") as ticket:
        until = asyncio.create_task(ticket.until(lambda t: t.doubtful, 10))
        await asyncio.sleep(0)
        waiting.lost()
        assert await until


async def test_a_tail_that_lost_its_place_says_so() -> None:
    """What it passed over may have been somebody's answer."""
    outbox, waiting = MemoryOutbox(1), Waiting()
    tails = Tails(outbox, Projection(outbox), Hub(Ring(1, 8)), waiting=waiting)
    with waiting.expecting("a") as ticket:
        assert not ticket.doubtful
        await tails.start()
        assert await ticket.until(lambda t: t.doubtful, 0)
