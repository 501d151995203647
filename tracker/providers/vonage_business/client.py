"""What an account is asked by HTTP, and the files that are streamed from it."""

import json
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from tracker.domain.archive import Range, Stream
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderError,
    ProviderUnavailableError,
)
from tracker.providers.asking import ABSENT, Request, TokenClient
from tracker.providers.http import range_header
from tracker.providers.vonage_business.query import Filters
from tracker.providers.vonage_business.settings import VonageBusinessSettings
from tracker.providers.vonage_business.tokens import Access, Tokens, check_secrets
from tracker.providers.vonage_business.wire import parse_message

_PLAIN: Final = re.compile(r"[!-~]+")
_PORTS: Final = {"http": 80, "https": 443}


class VonageBusinessClient(TokenClient[Access]):
    """One account's requests.

    Raises:
        ConfigError: A secret is missing.
    """

    def __init__(self, settings: VonageBusinessSettings) -> None:
        check_secrets(settings)
        super().__init__(settings)
        self.settings = settings
        self._tokens = Tokens(settings, self.http)
        self._account = f"{settings.api}/accounts/{quote(settings.account, safe='')}"

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._tokens.close()
        await super().__aexit__(kind, error, trace)

    async def access(self, stale: Access | None = None) -> Access:
        """See `Tokens.access`."""
        return await self._tokens.access(stale)

    async def get(self, path: str, what: str, query: Filters | None = None) -> bytes:
        """Read something below the account.

        Raises:
            NotFoundError: It isn't there.
            CommandRefusedError: The platform said no, and why.
            ProviderLockedError: The credentials are refused.
            ProviderUnavailableError: No good answer.
        """
        asked = f"?{urlencode(query)}" if query else ""
        headers = {"Accept": "application/json"}
        url = f"{self._account}{path}{asked}"
        return await self._ask(Request("GET", url, what, headers))

    async def delete(self, path: str, what: str) -> None:
        """Delete something below the account. Raises as `get` does."""
        await self._ask(Request("DELETE", f"{self._account}{path}", what))

    async def post(self, path: str, what: str, body: Filters) -> bytes:
        """Ask for something below the account. Raises as `get` does."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        sent = json.dumps(body).encode()
        url = f"{self._account}{path}"
        return await self._ask(Request("POST", url, what, headers, sent))

    def stream(
        self, download_url: str, what: str, part: Range | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """A file as it comes. Raises as `get` does, and RangeError."""
        headers = {"Accept-Encoding": "identity", **range_header(part)}
        url = self._own(download_url, what)
        return self._file(Request("GET", url, what, headers))

    def _signed(self, access: Access) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {access.token}"}

    def _refusal(self, status: int, what: str, body: bytes) -> ProviderError:
        if status in ABSENT:
            return NotFoundError(f"{what}: there is no such thing")
        said = parse_message(body)
        return CommandRefusedError(f"{what}: {said or f'HTTP {status}'}")

    def _own(self, url: str, what: str) -> str:
        """A URL that the platform told, at the server of the settings.

        Raises:
            ProviderUnavailableError: It leads elsewhere.
        """
        found = _split(url)
        mine = urlsplit(self.settings.base_url)
        if found is None or (found.scheme and _origin(found) != _origin(mine)):
            msg = f"{self._what(what)}: its address leads to another server"
            raise ProviderUnavailableError(msg)
        query = f"?{found.query}" if found.query else ""
        return f"{mine.scheme}://{mine.netloc}{found.path}{query}"


def _split(url: str) -> SplitResult | None:
    """The parts of a URL, or of a path alone; None of anything else."""
    try:
        found = urlsplit(url)
        port_is_good = found.port is None or found.port > 0
    except ValueError:
        return None
    is_plain = _PLAIN.fullmatch(url) is not None and found.path.startswith("/")
    is_whole = bool(found.scheme) == bool(found.netloc)
    return found if port_is_good and is_plain and is_whole else None


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _PORTS.get(url.scheme)
