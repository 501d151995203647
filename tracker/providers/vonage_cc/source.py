"""An account's poller as a source: calls that it is told of, and agents' calls."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Final

from tracker.domain.key import make_key, split_key
from tracker.domain.reading import Checkpoint, Observation, Unreadable
from tracker.domain.terms import Action
from tracker.errors import (
    CommandRefusedError,
    ProviderError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.providers.base import Ask, Looks, Options, refuse_options
from tracker.providers.reread import Reread
from tracker.providers.vonage_cc.budget import Kind, Place
from tracker.providers.vonage_cc.client import RecordingStatus, VonageCcClient
from tracker.providers.vonage_cc.connection import Connection
from tracker.providers.vonage_cc.normalise import PROVIDER
from tracker.providers.vonage_cc.polling import Polling
from tracker.providers.vonage_cc.rota import Rota
from tracker.providers.vonage_cc.settings import (
    FollowedAgent,
    VonageCcSettings,
    agents_of,
)
from tracker.providers.wire import Garbled

LOOKS: Final = Looks(first_s=0.15, growth=1.6, longest_s=2.0)

STATUSES: Final[Mapping[Action, RecordingStatus]] = {
    "pause": "Paused",
    "resume": "Started",
}


class PollingSource:
    """The one source of an account.

    What it follows is kept between observations.

    Args:
        client: Of the account.
    """

    def __init__(self, client: VonageCcClient) -> None:
        settings = client.settings
        self.key = make_key(PROVIDER, settings.account, "poller")
        self._client = client
        self._rota = Rota(settings.poll_interval_s, settings.agents_interval_s)
        self._agents: dict[str, FollowedAgent] = {}
        self._news = asyncio.Event()

    @property
    def answered_at_s(self) -> float | None:
        """When a read was last answered well."""
        return self._client.answered_at_s

    @property
    def overdue_after_s(self) -> float:
        """Three polls; at least 10 s."""
        return self._client.settings.overdue_after_s

    @property
    def lists_calls(self) -> bool:
        """The platform has no list of calls."""
        return False

    @property
    def looks(self) -> Looks:
        """Soon and often: nothing tells of a change."""
        return LOOKS

    def set_agents(self, agents: Mapping[str, FollowedAgent]) -> None:
        """Follow these agents, and no others."""
        self._agents.clear()
        self._agents.update(agents)
        self._rota.set_agents(self._agents, _now_s())
        self._news.set()

    async def observe(
        self,
    ) -> AsyncGenerator[Sequence[Observation | Checkpoint | Unreadable]]:
        """See `tracker.providers.base.Source.observe`."""
        polling = Polling(self._client, self._rota, self._agents, self._news)
        async with aclosing(polling.turns()) as turns:
            async for turn in turns:
                yield turn

    def resync(self) -> None:
        """Have everything read again, in a new round."""
        self._rota.begin_round(_now_s())
        self._news.set()

    def follow(self, call: str) -> None:
        """See `tracker.providers.base.Source.follow`."""
        self._rota.follow(_guid_of(call))
        self._news.set()

    def look(self, call: str) -> None:
        """Have the call read before whatever else is due."""
        self._rota.look(_guid_of(call), _now_s())
        self._news.set()

    @asynccontextmanager
    async def commanding(self, asked_at: datetime) -> AsyncIterator[Ask]:
        """See `tracker.providers.base.Source.commanding`.

        Without a token there is no place to wait for: asking then says why.
        """
        try:
            await self._client.ready()
        except ProviderError as error:
            yield partial(_fail, error)
            return
        place = await self._client.budget.reserve(Kind.COMMAND, asked_at.timestamp())
        try:
            yield partial(self._command, place)
        finally:
            place.give_back()

    async def _command(
        self, place: Place, leg_id: str, action: Action, options: Options
    ) -> None:
        status = STATUSES.get(action)
        if status is None:
            message = f"the platform cannot {action} a recording"
            raise CommandRefusedError(message)
        refuse_options(action, options)
        if not place.begin():
            message = f"{self.key}: the platform wants to be left alone"
            paused_s = self._client.budget.paused_for_s()
            raise ProviderUnavailableError(message, paused_s, taken=False)
        await self._client.command(leg_id, status)


class VonageCcAccount:
    """One account: its poller.

    Args:
        connection: Open as long as the account is.
    """

    def __init__(self, connection: Connection) -> None:
        self.key = make_key(PROVIDER, connection.settings.account)
        self._client = VonageCcClient(connection)
        self._source = PollingSource(self._client)
        settings = connection.settings
        self._agents = Reread(settings.agents_file, partial(agents_of, settings))

    def sources(self) -> Mapping[str, PollingSource]:
        """See `tracker.providers.base.Account.sources`; the file is read on change.

        It is always the same one: other agents only change what it reads.
        """
        agents = self._agents.changed()
        if agents is not None:
            self._source.set_agents(agents)
        return {self._source.key: self._source}

    async def check(self) -> str:
        """Get a token and count the agents who are ready; change nothing."""
        agents = agents_of(self._client.settings)
        await self._client.ready()
        await self._client.budget.take(Kind.POLL)
        count = await self._client.ready_agents()
        if isinstance(count, Garbled):
            message = f"{self.key}: the answer cannot be read: {count.shape}"
            raise ProviderUnavailableError(message)
        ready = "some" if count.count is None else count.count
        return f"token granted, {ready} agents ready; {len(agents)} agents followed"


@asynccontextmanager
async def open_account(settings: VonageCcSettings) -> AsyncIterator[VonageCcAccount]:
    """The account, with its connections, while the context lasts.

    Raises:
        ConfigError: There is no secret, and where it should be.
    """
    async with Connection(settings) as connection:
        yield VonageCcAccount(connection)


async def _fail(
    error: ProviderError, _leg_id: str, _action: Action, _options: Options
) -> None:
    """Say that nothing was asked, and why."""
    if isinstance(error, ProviderUnavailableError):
        message, pause_s = str(error), error.retry_after_s
        raise ProviderUnavailableError(message, pause_s, taken=False) from error
    raise ProviderLockedError(str(error)) from error


def _guid_of(call: str) -> str:
    return split_key(call)[-1]


def _now_s() -> float:
    return asyncio.get_running_loop().time()
