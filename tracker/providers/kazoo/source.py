"""An account's live channels as a source, and commands by their metaflows."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final

from tracker.domain.key import make_key
from tracker.domain.reading import Reading
from tracker.domain.terms import Action
from tracker.errors import ProviderLockedError
from tracker.providers.base import Ask, Looks, Options, Source
from tracker.providers.kazoo.archive import KazooArchive
from tracker.providers.kazoo.bindings import bind
from tracker.providers.kazoo.blackhole import UnauthenticatedError, opened
from tracker.providers.kazoo.board import Board
from tracker.providers.kazoo.client import InvalidError, KazooClient
from tracker.providers.kazoo.listening import Listening, Turn, Wishes, full_turn
from tracker.providers.kazoo.normalise import PROVIDER
from tracker.providers.kazoo.options import check_options
from tracker.providers.kazoo.reads import Reads
from tracker.providers.kazoo.settings import KazooSettings, KazooUser, users_of
from tracker.providers.recordings import RecordingsSource
from tracker.providers.reread import Reread

LOOKS: Final = Looks(first_s=5.0, growth=2.0, longest_s=10.0)

_MASKS: Final[Mapping[Action, str]] = {"pause": "mask", "resume": "unmask"}
_MOST_REFUSALS: Final = 2


class LiveSource:
    """The one source of an account.

    What is known of channels is kept between observations.

    Args:
        client: Of the account.
        users: Those whose team or expectation is known; may change.
        stored: Called whenever a recording was stored.
    """

    def __init__(
        self,
        client: KazooClient,
        users: Mapping[str, KazooUser],
        stored: Callable[[], None],
    ) -> None:
        self._client = client
        self._settings = client.settings
        self.key = make_key(PROVIDER, self._settings.account, "live")
        self._board = Board(self._settings, users)
        self._wishes = Wishes(stored)
        self._hole_refusals = 0
        self._masks = self._settings.pause_by == "mask"

    @property
    def answered_at_s(self) -> float | None:
        """When the blackhole was last heard, or, without it, a list was read."""
        return self._wishes.heard_at_s

    @property
    def overdue_after_s(self) -> float:
        """Three pings or polls; at least 10 s."""
        return self._settings.overdue_after_s

    @property
    def lists_calls(self) -> bool:
        """A list shows all live channels."""
        return True

    @property
    def looks(self) -> Looks:
        """A look shows only whether the call lives: events tell the rest."""
        return LOOKS

    async def observe(self) -> AsyncGenerator[Sequence[Reading]]:
        """See `tracker.providers.base.Source.observe`."""
        listens = self._settings.websocket_url is not None
        async with aclosing(self._listen() if listens else self._poll()) as turns:
            async for turn in turns:
                yield turn

    def resync(self) -> None:
        """Have everything read and told again, beside what is told."""
        self._wishes.want_read(everything=True)

    def follow(self, call: str) -> None:
        """Nothing to do."""

    def look(self, call: str) -> None:
        """Have the channels read again."""
        self._wishes.want_read(everything=False)

    @asynccontextmanager
    async def commanding(self, asked_at: datetime) -> AsyncIterator[Ask]:
        """At once; a token is got first."""
        await self._client.access()
        yield self._command

    async def _listen(self) -> AsyncGenerator[Turn]:
        """Over one connection; a token that it does not take is renewed, once."""
        try:
            news = self._wishes.news.set
            async with opened(self._client, self._wishes.heard, news) as hole:
                listening = Listening(self._client, self._board, self._wishes, hole)
                async with aclosing(listening.turns()) as turns:
                    async for turn in turns:
                        self._hole_refusals = 0
                        yield turn
        except UnauthenticatedError as error:
            self._hole_refusals += 1
            if self._hole_refusals == _MOST_REFUSALS:
                self._hole_refusals = 0
                msg = f"{error}, nor was a new one"
                raise ProviderLockedError(msg) from error
            raise

    async def _poll(self) -> AsyncGenerator[Turn]:
        """Lists, one after the other; nothing tells of a recording."""
        self._board.begin(records=False, pauses=False)
        reads = Reads(self._client, self._board)
        self._wishes.everything = True
        while True:
            self._wishes.news.clear()
            everything = self._wishes.everything
            self._wishes.read = self._wishes.everything = False
            read = await reads.all()
            self._wishes.heard()
            yield full_turn(self._board, read, first=True, everything=everything)[0]
            try:
                async with asyncio.timeout(self._settings.poll_interval_s):
                    await self._wishes.news.wait()
            except TimeoutError:
                continue

    async def _command(self, leg_id: str, action: Action, options: Options) -> None:
        check_options(action, options, self._settings)
        if action == "start":
            limit = options.get("time_limit")
            self._board.limit(leg_id, limit if isinstance(limit, int) else None)
        await self._ask(leg_id, action, options)
        if action in _MASKS and self._board.doubt(leg_id):
            self._wishes.want_read(everything=False)

    async def _ask(self, leg_id: str, action: Action, options: Options) -> None:
        """Ask for it, in the word that the server has for it.

        A server that knows no pause refuses the word, and does nothing.
        """
        masks = self._masks or self._board.is_masked(leg_id)
        word = _MASKS[action] if masks and action in _MASKS else action
        flow: dict[str, Any] = {"action": word, **options}
        try:
            await self._client.metaflow(leg_id, flow)
        except InvalidError as error:
            has_mask = word in _MASKS and self._settings.pause_by == "auto"
            if not has_mask or "action" not in error.fields:
                raise
            await self._client.metaflow(leg_id, {"action": _MASKS[action]})
            self._masks = True


class KazooAccount:
    """One account: its live channels, and its stored recordings.

    Args:
        client: Open as long as the account is.
    """

    def __init__(self, client: KazooClient) -> None:
        self.key = make_key(PROVIDER, client.settings.account)
        self._client = client
        self._users: dict[str, KazooUser] = {}
        settings = client.settings
        self._named = Reread(settings.agents_file, partial(users_of, settings))
        self._archive = KazooArchive(client)
        recordings = RecordingsSource(self._archive, client.settings)
        live = LiveSource(client, self._users, lambda: recordings.look(self.key))
        self._sources: Mapping[str, Source] = {
            live.key: live,
            recordings.key: recordings,
        }

    def sources(self) -> Mapping[str, Source]:
        """See `tracker.providers.base.Account.sources`; the file is read on change.

        They are always the same: other users only change what is said of them.
        """
        found = self._named.changed()
        if found is not None:
            self._users.clear()
            self._users.update(found)
        return self._sources

    async def check(self) -> str:
        """Log in, list channels and recordings; change nothing."""
        users = users_of(self._client.settings)
        channels = await self._client.channels()
        listens = self._client.settings.websocket_url is not None
        proof = await self._proof() if listens else "channels are polled: no proof"
        stored = await self._archive.check()
        return (
            f"token granted, {len(channels)} channels, {len(users)} users named; "
            f"{proof}; {stored}"
        )

    async def _proof(self) -> str:
        """What the blackhole tells of recordings."""
        async with opened(self._client, _ignore, _ignore) as hole:
            bindings = await bind(hole)
        return "RECORD events are told" if bindings.records else "no RECORD events"


@asynccontextmanager
async def open_account(settings: KazooSettings) -> AsyncIterator[KazooAccount]:
    """The account, with its connections, while the context lasts.

    Raises:
        ConfigError: There is no secret, and where it should be.
    """
    async with KazooClient(settings) as client:
        yield KazooAccount(client)


def _ignore() -> None:
    """Nobody wants to know."""
