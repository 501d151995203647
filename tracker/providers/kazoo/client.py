"""What an account is asked by HTTP: channels, recordings, and audio on its way."""

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from tracker.domain.archive import Range, Stream
from tracker.errors import CommandRefusedError, NotFoundError, ProviderError
from tracker.providers.asking import ABSENT, Request, TokenClient
from tracker.providers.http import range_header
from tracker.providers.kazoo.settings import KazooSettings, secret_of
from tracker.providers.kazoo.tokens import Tokens
from tracker.providers.kazoo.wire import (
    ChannelDetail,
    Listed,
    Recording,
    is_audio_missing,
    parse_channel,
    parse_channels,
    parse_invalid_fields,
    parse_problem,
    parse_recording,
    parse_recordings,
)
from tracker.providers.renewal import REPEATED_WITHIN_S, Access
from tracker.providers.wire import Garbled

_AUDIO: Final = "audio/mpeg"
_JSON: Final = {"Accept": "application/json"}

Query = Mapping[str, str | int]


class InvalidError(CommandRefusedError):
    """A 400; *fields* are those that it finds wrong."""

    def __init__(self, message: str, fields: frozenset[str]) -> None:
        super().__init__(message)
        self.fields = fields


class KazooClient(TokenClient[Access]):
    """One account's requests.

    Raises:
        ConfigError: There is no secret, and where it should be.
    """

    def __init__(self, settings: KazooSettings) -> None:
        secret = secret_of(settings)
        super().__init__(settings)
        self.settings = settings
        self._tokens = Tokens(settings, secret, self.http)
        account = quote(settings.account, safe="")
        self._account = f"{settings.base_url}/v2/accounts/{account}"

    async def access(self, stale: Access | None = None) -> Access:
        """See `Renewal.fresh`."""
        return await self._tokens.fresh(stale)

    async def channels(self) -> list[ChannelDetail | Garbled]:
        """All live channels.

        Raises:
            NotFoundError: There is no such account.
            ProviderLockedError: The credentials are refused.
            ProviderUnavailableError: No good answer.
        """
        body = await self._get("/channels", "channels", {"paginate": "false"})
        return self._readable(parse_channels(body))

    async def channel(self, uuid: str) -> ChannelDetail | None:
        """One live channel; None = it lives no more. Raises as `channels` does."""
        try:
            body = await self._get(f"/channels/{_part(uuid)}", "a channel")
        except NotFoundError:
            return None
        return self._readable(parse_channel(body))

    async def metaflow(self, uuid: str, data: Mapping[str, Any]) -> None:
        """Ask a channel to do something to its recording, which proves nothing.

        Raises:
            InvalidError: A 400.
            CommandRefusedError: It was not taken, and why.
            ProviderLockedError: The credentials are refused; it was not taken.
            ProviderUnavailableError: See its *taken*.
        """
        flow = {"module": "record_call", "data": data}
        body = json.dumps({"action": "metaflow", "data": flow}).encode()
        url = f"{self._account}/channels/{_part(uuid)}"
        headers = {**_JSON, "Content-Type": "application/json"}
        try:
            await self._ask(
                Request("PUT", url, "a command", headers, body, REPEATED_WITHIN_S)
            )
        except NotFoundError as error:
            message = "the channel lives no more"
            raise CommandRefusedError(message) from error

    async def recordings(self, user: str | None, query: Query) -> Listed:
        """A page of the account's recordings, or of a *user*'s. Raises as `channels`.

        Raises:
            CommandRefusedError: The range or the start key is none.
        """
        whose = "" if user is None else f"/users/{_part(user)}"
        body = await self._get(f"{whose}/recordings", "recordings", query)
        return self._readable(parse_recordings(body))

    async def recording(self, id_: str) -> Recording:
        """One recording's document; also raises NotFoundError."""
        body = await self._get(f"/recordings/{_part(id_)}", "a recording")
        return self._readable(parse_recording(body))

    async def delete(self, id_: str) -> None:
        """Delete one recording's document; also raises NotFoundError."""
        url = f"{self._account}/recordings/{_part(id_)}"
        await self._ask(Request("DELETE", url, "a recording", _JSON))

    def audio(
        self, id_: str, part: Range | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """A recording's audio as it comes.

        Wanted by header and by query: a proxy may drop the one, a server not know the
        other.

        Raises:
            NotFoundError: There is none, or none yet.
            RangeError: It has no such part.
        """
        query = urlencode({"accept": _AUDIO, "inline": "false"})
        url = f"{self._account}/recordings/{_part(id_)}?{query}"
        wanted = {"Accept": _AUDIO, "Accept-Encoding": "identity"}
        asked = Request("GET", url, "the audio", wanted | range_header(part))
        return self._file(asked, not_as="application/json")

    async def _get(self, path: str, what: str, query: Query | None = None) -> bytes:
        asked = f"?{urlencode(query)}" if query else ""
        url = f"{self._account}{path}{asked}"
        return await self._ask(Request("GET", url, what, _JSON))

    def _signed(self, access: Access) -> Mapping[str, str]:
        return {"X-Auth-Token": access.token}

    def _refusal(self, status: int, what: str, body: bytes) -> ProviderError:
        if status in ABSENT:
            absent = "there is no such thing"
            if is_audio_missing(body):
                absent = "there is none with the recording: it may come later"
            return NotFoundError(f"{what}: {absent}")
        said = f"{what}: {parse_problem(body) or f'HTTP {status}'}"
        if status == HTTPStatus.BAD_REQUEST:
            return InvalidError(said, parse_invalid_fields(body))
        return CommandRefusedError(said)


def _part(text: str) -> str:
    """One part of a path, which leads nowhere else.

    Raises:
        NotFoundError: It would.
    """
    if not text.strip("."):
        raise NotFoundError("there is no such thing")
    return quote(text, safe="")
