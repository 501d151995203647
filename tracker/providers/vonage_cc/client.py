"""What an account is asked: calls, agents, and to pause or resume a recording.

Every method asks once. Who calls one has waited for `ready`, and then taken a place of
the budget.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Final, Literal, TypeVar
from urllib.parse import quote

from tracker.errors import CommandRefusedError, ProviderError
from tracker.providers.http import status_error
from tracker.providers.vonage_cc.budget import Kind
from tracker.providers.vonage_cc.connection import Answer, Connection, Request
from tracker.providers.vonage_cc.wire import (
    AgentCount,
    AgentDetail,
    CallDetail,
    parse_agent,
    parse_call,
    parse_count,
    parse_message,
)
from tracker.providers.wire import Garbled

RecordingStatus = Literal["Paused", "Started"]

_READ: Final = {"Accept": "application/json;version=3"}

R = TypeVar("R")


class VonageCcClient:
    """One account's requests.

    Attributes:
        budget: Of all of them.
        answered_at_s: Loop time of the last good answer to a read; None before it.
    """

    def __init__(self, connection: Connection) -> None:
        self.settings = connection.settings
        self.budget = connection.budget
        self.answered_at_s: float | None = None
        self._connection = connection
        self._api = f"{self.settings.url}/v0/{quote(self.settings.account, safe='')}"

    async def ready(self) -> None:
        """See `Connection.ready`."""
        await self._connection.ready()

    async def call(
        self, guid: str, kind: Kind, *, known: bool, alone: bool = False
    ) -> CallDetail | Garbled | None:
        """Read a call; None = there is no such call.

        Args:
            guid: The call's; may be anything.
            kind: What it is read for, should it have to wait for a renewal.
            known: It was there before. Otherwise a 400 says that there is none.
            alone: See `Request`.

        Raises:
            ProviderLockedError: The credentials are refused.
            ProviderUnavailableError: No good answer.
        """
        if not guid.strip("."):
            return None
        path = f"{self._api}/calls/{quote(guid, safe='')}"
        asked = Request("GET", path, "a call", _READ, alone=alone)
        answer = await self._connection.ask(asked, kind)
        absent = (404, 410) if known else (400, 404, 410)
        if answer.status in absent:
            return self._answered(answer, None)
        return self._answered(answer, parse_call(self._good(answer, "a call")))

    async def agent(
        self, agent: str, *, alone: bool = False
    ) -> AgentDetail | Garbled | None:
        """Read an agent; None = there is no such agent. Raises as `call` does."""
        path = f"{self._api}/agents/{quote(agent, safe='')}"
        asked = Request("GET", path, "an agent", _READ, alone=alone)
        answer = await self._connection.ask(asked, Kind.POLL)
        if answer.status == HTTPStatus.NOT_FOUND:
            return self._answered(answer, None)
        return self._answered(answer, parse_agent(self._good(answer, "an agent")))

    async def ready_agents(self) -> AgentCount | Garbled:
        """Count the agents who are ready for a call. Raises as `call` does."""
        path = f"{self._api}/agents/?availability=readyForPhoneCall&fields=count"
        asked = Request("GET", path, "agents", _READ)
        answer = await self._connection.ask(asked, Kind.POLL)
        return self._answered(answer, parse_count(self._good(answer, "agents")))

    async def command(self, guid: str, status: RecordingStatus) -> None:
        """Have a recording's new status accepted, which proves nothing yet.

        Raises:
            CommandRefusedError: It was not taken, and why.
            ProviderLockedError: The credentials are refused; it was not taken.
            ProviderUnavailableError: See its *taken*.
        """
        if not guid.strip("."):
            msg = "there is no such call"
            raise CommandRefusedError(msg)
        body = json.dumps({"recordingStatus": status}).encode()
        path = f"{self._api}/calls/{quote(guid, safe='')}"
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        asked = Request("POST", path, "a command", headers, body)
        answer = await self._connection.ask(asked, Kind.COMMAND)
        if answer.is_trouble:
            raise self._error(answer, "a command")
        self.budget.went_well(answer.began_at_s)
        if not answer.is_good:
            message = parse_message(answer.body) or f"HTTP {answer.status}"
            raise CommandRefusedError(message)

    def _good(self, answer: Answer, what: str) -> bytes:
        if answer.status == HTTPStatus.OK:
            return answer.body
        if not answer.is_trouble and not answer.alone:
            self.budget.failed(answer.began_at_s)
        raise self._error(answer, what)

    def _answered(self, answer: Answer, read: R) -> R:
        if isinstance(read, Garbled):
            if not answer.alone:
                self.budget.failed(answer.began_at_s)
        else:
            self.budget.went_well(answer.began_at_s)
            self.answered_at_s = _now_s()
        return read

    def _error(self, answer: Answer, what: str) -> ProviderError:
        what = f"{self.settings.account}: {what}"
        return status_error(answer.status, what, answer.retry_after)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
