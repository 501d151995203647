"""What the client asks for over HTTP, and how it is answered."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import aiohttp
from yarl import URL

from tracker.client.access import Access, bearer
from tracker.client.stream import RefusedError, seconds_of
from tracker.domain.key import make_key, split_key
from tracker.errors import TrackerError, reason_of

ANSWER_S: Final = 20.0
"""For an answer, beside what the server was asked to wait."""

Json = dict[str, Any]
T = TypeVar("T")

_UNANSWERED: Final = (
    aiohttp.ClientConnectionError,
    aiohttp.ClientPayloadError,
    TimeoutError,
)
_PARTS = 3
_GOOD = range(200, 300)


class ProblemError(RefusedError):
    """The server says no.

    Args:
        problem: Its RFC 9457 body; ``command`` is the open one that stands in the way.
        status: Of the answer.
        after_s: The server wants to be left alone for so long.
    """

    def __init__(self, problem: Json, status: int, after_s: float = 0.0) -> None:
        words = problem.get("detail") or problem.get("title") or f"HTTP {status}"
        super().__init__(status, str(words))
        self.problem = problem
        self.after_s = after_s


class UnansweredError(TrackerError):
    """There was no answer, or not all of one.

    Args:
        message: Why.
        taken: What was asked for may have been done. False: it certainly was not, or
            it was only to be told something.
    """

    def __init__(self, message: str, *, taken: bool = False) -> None:
        super().__init__(message)
        self.taken = taken


def call_path(call: str) -> str:
    """Where a call is.

    Raises:
        ValueError: *call* is no key of a call.
    """
    parts = split_key(call)
    if len(parts) != _PARTS or not all(parts):
        message = "a call is named by its key: provider/account/id"
        raise ValueError(message)
    return f"/v1/calls/{make_key(*parts)}"


def given(parts: Mapping[str, object]) -> Json:
    """Those that are not None."""
    return {name: part for name, part in parts.items() if part is not None}


async def authorised(
    access: Access, asking: Callable[[Mapping[str, str]], Awaitable[T]]
) -> T:
    """What *asking* is answered; once more when there is another token to be had.

    Args:
        access: Who asks.
        asking: Given the headers that show the token.

    Raises:
        ProblemError: The server says no.
    """
    token = await access.token()
    try:
        return await asking(bearer(token))
    except ProblemError as problem:
        if problem.code != HTTPStatus.UNAUTHORIZED:
            raise
        another = await access.token(refused=token)
        if another == token:
            raise
    return await asking(bearer(another))


async def post(
    url: str,
    body: Mapping[str, object],
    headers: Mapping[str, str],
    *,
    wait_s: float = 0.0,
    repeats: int = 0,
) -> Json:
    """POST to a whole, percent-encoded *url*; see `ask`."""
    target = URL(url, encoded=True)
    return await ask("POST", target, headers, body, wait_s=wait_s, repeats=repeats)


async def ask(
    method: str,
    url: URL,
    headers: Mapping[str, str],
    body: Mapping[str, object] | None = None,
    *,
    wait_s: float = 0.0,
    repeats: int = 0,
) -> Json:
    """The JSON that the server answers with.

    Args:
        method: Of the request.
        url: Whole.
        headers: As they are.
        body: None = there is none.
        wait_s: How long the server may hold its answer.
        repeats: How often to ask again when there is no answer.

    Raises:
        ProblemError: The server says no.
        UnansweredError: No answer, however often it was asked.
    """
    timeout = aiohttp.ClientTimeout(total=ANSWER_S + wait_s)
    taken = False
    for left in range(repeats, -1, -1):
        try:
            async with (
                aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
                session.request(
                    method, url, json=body, allow_redirects=False
                ) as answer,
            ):
                return await said(answer)
        except _UNANSWERED as error:
            never_came = isinstance(error, aiohttp.ClientConnectorError)
            taken |= method != "GET" and not never_came
            if not left:
                words = why(error)
                raise UnansweredError(words, taken=taken) from error
        except aiohttp.ClientError as error:
            raise RefusedError(0, "it does not speak as tracker does") from error
    raise AssertionError("the last one ends it")


def why(error: Exception) -> str:
    """Why there is no answer."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return reason_of(error)
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer broke off"
    return str(error) or "no answer in time"


async def said(answer: aiohttp.ClientResponse) -> Json:
    """What *answer* holds.

    Returns:
        Of a 204, nothing.

    Raises:
        ProblemError: A problem.
        RefusedError: Nothing that tracker would say.
    """
    if answer.status == HTTPStatus.NO_CONTENT:
        return {}
    try:
        said = await answer.json(content_type=None)
    except ValueError:
        said = None
    if answer.status not in _GOOD:
        problem = said if isinstance(said, dict) else {}
        after_s = seconds_of(answer.headers.get("Retry-After", ""))
        raise ProblemError(problem, answer.status, after_s)
    if not isinstance(said, dict):
        raise RefusedError(0, "it does not speak as tracker does")
    return said
