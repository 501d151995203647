"""Stored recordings: listed, fetched, deleted, exported, through any tracker."""

import errno
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, NamedTuple

import aiohttp
from yarl import URL

from tracker.client.access import Access
from tracker.client.asking import (
    ANSWER_S,
    Json,
    ProblemError,
    UnansweredError,
    ask,
    authorised,
    said,
    why,
)
from tracker.client.stream import RefusedError
from tracker.domain.archive import Direction, MediaKind, Order
from tracker.domain.base import Instant, Model
from tracker.domain.key import make_key, split_key

PLATFORM_S: Final = 40.0
"""For an answer that a platform is asked for."""

SILENT_S: Final = 150.0
"""Of a file that no longer comes."""

_CHUNK_BYTES: Final = 256 * 1024
_NAMED: Final = re.compile(r'filename="([A-Za-z0-9._-]+)"')
_PARTS: Final = 3

Progress = Callable[[int, int | None], None]
"""Told how many bytes have come, and of how many; None = the server does not say."""


class Which(Model):
    """Which recordings; None = whatever. Between fields *and*.

    Attributes:
        account: Its name, or ``provider/account``.
        call: A call id of the platform.
        agent: An extension, or the user whose recordings are wanted.
        from_at, to_at: Of the start, inclusive.
    """

    provider: str | None = None
    account: str | None = None
    kind: MediaKind | None = None
    call: str | None = None
    agent: str | None = None
    direction: Direction | None = None
    caller_id: str | None = None
    cnam: str | None = None
    dnis: str | None = None
    from_at: Instant | None = None
    to_at: Instant | None = None
    min_duration_s: float | None = None
    max_duration_s: float | None = None
    order: Order = "start:desc"

    def parameters(self) -> dict[str, str | float]:
        """As the server names them."""
        given = self.model_dump(exclude_none=True)
        return {
            name.removesuffix("_at"): value.isoformat()
            if isinstance(value, datetime)
            else value
            for name, value in given.items()
        }


ALL: Final = Which()


class Download(NamedTuple):
    """A file that has come whole.

    Attributes:
        sha256: Of its bytes, in hexadecimal.
    """

    path: Path
    size_bytes: int
    sha256: str


class Recordings:
    """What platforms have stored, as one who asks a server sees it.

    Args:
        base: The server's address.
        access: Who asks.
    """

    def __init__(self, base: str, access: Access) -> None:
        self._base = base
        self._access = access

    async def recordings(
        self, wanted: Which = ALL, *, page: int = 100
    ) -> AsyncGenerator[Json, None]:
        """Stored recordings of all accounts, in order.

        Args:
            wanted: Which ones.
            page: How many are asked for at once.

        Raises:
            ProblemError: The server says no; or, behind everything else, an account
                could not be listed to its end: what it has may be missing.
            UnansweredError: No answer.
        """
        query = {**wanted.parameters(), "limit": page}
        url: URL | None = URL(f"{self._base}/v1/recordings").with_query(query)
        problems: list[Json] = []
        while url is not None:
            answer = await self._ask("GET", url)
            for item in answer["items"]:
                yield item
            problems = answer["problems"]  # who failed is asked again on each page
            url = following_of(url, answer)
        if problems:
            words = "; ".join(f"{one['account']}: {one['detail']}" for one in problems)
            raise ProblemError({"detail": words}, HTTPStatus.BAD_GATEWAY)

    async def recording(self, key: str) -> Json:
        """One recording.

        Raises:
            ProblemError: It is not there, or the platform does not say.
            UnansweredError: No answer.
            ValueError: *key* is none.
        """
        return await self._ask("GET", self._url("recordings", key))

    async def delete_recording(self, key: str) -> Json:
        """Delete one; what became of the ``document`` and of the ``audio``.

        Raises:
            ProblemError: It is not deleted.
            UnansweredError: Nobody knows.
            ValueError: *key* is none.
        """
        url = self._url("recordings", key)
        return await self._ask("DELETE", url, repeats=0)

    async def download(
        self, key: str, to: Path, progress: Progress | None = None
    ) -> Download:
        """Fetch its audio.

        Args:
            key: Of the recording.
            to: A file that is not there, which appears once all has come; or a
                directory, in which it gets the server's name.
            progress: Told of every part.

        Raises:
            ProblemError: It cannot be had.
            UnansweredError: It broke off; what had come is thrown away.
            ValueError: *key* is none.
            FileExistsError: A file of that name is there; it is kept.
            OSError: It cannot be written.
        """
        url = self._url("recordings", key, "/audio")
        return await self._fetch(url, to, progress)

    async def export(self, wanted: Which = ALL) -> Json:
        """Have all that matches prepared: ``items``, an export of every account.

        ``problems`` names the accounts that did not take it.

        Raises:
            ProblemError: Nobody took it.
            UnansweredError: Nobody knows.
        """
        url, body = URL(f"{self._base}/v1/exports"), wanted.parameters()
        return await self._ask("POST", url, body, repeats=0)

    async def export_state(self, key: str) -> Json:
        """An export as it stands.

        Raises:
            ProblemError: It is not there, or the platform does not say.
            UnansweredError: No answer.
            ValueError: *key* is none.
        """
        return await self._ask("GET", self._url("exports", key))

    async def download_export(
        self,
        key: str,
        to: Path,
        *,
        job: str | None = None,
        progress: Progress | None = None,
    ) -> Download:
        """Fetch the file of a completed export's *job*; see `download`."""
        url = self._url("exports", key, "/download")
        url = url if job is None else url.with_query(job=job)
        return await self._fetch(url, to, progress)

    def _url(self, what: str, key: str, more: str = "") -> URL:
        parts = split_key(key)
        if len(parts) != _PARTS or not all(parts):
            message = "it is named by its key: provider/account/id"
            raise ValueError(message)
        path = f"/v1/{what}/{make_key(*parts)}{more}"
        return URL(f"{self._base}{path}", encoded=True)

    async def _ask(
        self,
        method: str,
        url: URL,
        body: Mapping[str, object] | None = None,
        repeats: int = 1,
    ) -> Json:
        def asking(headers: Mapping[str, str]) -> Awaitable[Json]:
            wait_s = PLATFORM_S - ANSWER_S
            return ask(method, url, headers, body, wait_s=wait_s, repeats=repeats)

        return await authorised(self._access, asking)

    async def _fetch(self, url: URL, to: Path, progress: Progress | None) -> Download:
        return await authorised(self._access, partial(_fetched, url, to, progress))


async def _fetched(
    url: URL, to: Path, progress: Progress | None, headers: Mapping[str, str]
) -> Download:
    timeout = aiohttp.ClientTimeout(sock_connect=ANSWER_S, sock_read=SILENT_S)
    try:
        async with (
            aiohttp.ClientSession(
                headers=headers, timeout=timeout, auto_decompress=False
            ) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != HTTPStatus.OK:
                await said(answer)
                raise RefusedError(0, "it does not speak as tracker does")
            return await _keep(answer, _place(answer, to), progress)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise UnansweredError(why(error)) from error


async def _keep(
    answer: aiohttp.ClientResponse, to: Path, progress: Progress | None
) -> Download:
    """Write all of *answer* beside *to*, and put it there when it is whole."""
    _refuse_present(to)
    draft = to.with_name(f".{to.name}.{token_hex(4)}.part")
    digest, size = sha256(), 0
    try:
        with draft.open("xb") as file:
            async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                if progress is not None:
                    progress(size, answer.content_length)
        _settle(draft, to)
    except (aiohttp.ClientError, TimeoutError):
        raise
    except OSError as error:
        error.filename = str(to)  # a write does not say to what
        raise
    finally:
        draft.unlink(missing_ok=True)
    return Download(to, size, digest.hexdigest())


def _settle(draft: Path, to: Path) -> None:
    """Name *draft* so, unless by now something else has that name."""
    try:
        to.hardlink_to(draft)
    except FileExistsError:
        _refuse_present(to)
        raise
    except OSError:  # a file system without links
        _refuse_present(to)
        draft.replace(to)


def _refuse_present(to: Path) -> None:
    if to.exists():
        raise FileExistsError(errno.EEXIST, "it is there already", str(to))


def _place(answer: aiohttp.ClientResponse, to: Path) -> Path:
    """*to*, or in it where it is a directory, under the server's name."""
    if not to.is_dir():
        return to
    found = _NAMED.search(answer.headers.get("Content-Disposition", ""))
    name = found[1].lstrip(".") if found else ""
    return to / (name or "recording")


def following_of(url: URL, answer: Mapping[str, Any]) -> URL | None:
    """The page behind *answer*, which came from *url*; None = there is none."""
    following = answer["next"]
    return url.with_query(URL(following, encoded=True).query) if following else None
