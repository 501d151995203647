"""Those who wait for what becomes of one request, told by the tails as it comes."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tracker.domain.entry import Entry, Reply
from tracker.domain.event import PREFIX
from tracker.store.outbox import Tailed

_COMMAND = PREFIX + "command."
_SETTLED = ("confirmed", "unconfirmed", "contradicted", "refused")


class Ticket:
    """One request that somebody waits for.

    Attributes:
        reply: The keeper's answer to it alone; None = none came.
        command: The request is a command of its call.
        settled: Nothing more will come of that command.
        doubtful: Something may have been missed: look in the store.
    """

    def __init__(self) -> None:
        self.reply: Reply | None = None
        self.command = self.settled = self.doubtful = False
        self._news = asyncio.Event()

    @property
    def answered(self) -> bool:
        """It is known whether the request was taken."""
        return self.command or self.reply is not None

    async def until(self, what: Callable[["Ticket"], bool], within_s: float) -> bool:
        """Wait until *what* is true of this ticket; False = not in time."""
        try:
            async with asyncio.timeout(within_s):
                while not what(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return what(self)
        return True

    def told(self) -> None:
        """Something has changed."""
        self._news.set()


class Waiting:
    """All who wait in this process.

    A command is named by its request's id; a call by its key, and who waits for it is
    told of its every change.
    """

    def __init__(self) -> None:
        self._tickets: dict[str, list[Ticket]] = {}

    @contextmanager
    def expecting(self, id_: str) -> Iterator[Ticket]:
        """A ticket for the request (or call) *id_*: take it before anything is put."""
        ticket = Ticket()
        self._tickets.setdefault(id_, []).append(ticket)
        try:
            yield ticket
        finally:
            tickets = self._tickets[id_]
            tickets.remove(ticket)
            if not tickets:
                del self._tickets[id_]

    def take(self, tailed: Tailed) -> None:
        """Tell those who wait for what this entry says."""
        match tailed.header:
            case Reply(to=to) as reply:
                for ticket in self._tickets.get(to, ()):
                    ticket.reply = reply
                    ticket.told()
            case Entry(facts=facts, key=key) if self._tickets:
                for ticket in self._tickets.get(key, ()):
                    ticket.told()
                for fact in facts:
                    if fact.type.startswith(_COMMAND):
                        stage = fact.type.removeprefix(_COMMAND)
                        self._told(str(fact.change["command"]), stage)
            case _:
                pass

    def lost(self) -> None:
        """Entries may have been missed: everybody is to look in the store."""
        for tickets in self._tickets.values():
            for ticket in tickets:
                ticket.doubtful = True
                ticket.told()

    def _told(self, id_: str, stage: str) -> None:
        for ticket in self._tickets.get(id_, ()):
            ticket.command = True
            ticket.settled = ticket.settled or stage in _SETTLED
            ticket.told()
