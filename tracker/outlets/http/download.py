"""A file of a platform, passed on as it comes: nothing of it is held."""

import asyncio
import re
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final

from aiohttp import hdrs, web

from tracker.domain.archive import Range, Stream
from tracker.errors import ProviderError
from tracker.outlets.http.archives import Audited, answered, problem_from
from tracker.outlets.http.operation import Header
from tracker.outlets.payload import ProblemError

STALLED_S: Final = 120.0
"""A client that takes nothing for so long is gone."""

RANGE: Final = Header(
    "Range", "bytes=first-last or bytes=first-; else, or where unknown, the whole."
)
CONTENT_RANGE: Final = Header("Content-Range", "Of a 206.")
DISPOSITION: Final = Header("Content-Disposition", "The file's name.")

_RANGE: Final = re.compile(r"bytes=\s*(\d{1,18})\s*-\s*(\d{0,18})\s*")
_TYPE: Final = re.compile(r"(?:audio|video|application)/[\w.+-]+")
_ANY_TYPE: Final = "application/octet-stream"
_ENDINGS: Final = {
    "audio/mpeg": ".mp3",
    "audio/mp3": ".mp3",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "application/zip": ".zip",
}
_CUT: Final = "the platform broke off"


class _GoneError(Exception):
    """Who asked for the file does not take it."""


def wanted_part(request: web.Request) -> Range | None:
    """The one range that is asked for; None = the whole file.

    Several, or one counted from the end, are not kept to (RFC 9110, 14.2 allows it);
    nor is one on a condition, as there are no validators that could hold. Only a GET
    has parts.
    """
    if request.method != hdrs.METH_GET or hdrs.IF_RANGE in request.headers:
        return None
    found = _RANGE.fullmatch(",".join(request.headers.getall(hdrs.RANGE, ())))
    if found is None:
        return None
    first, last = int(found[1]), int(found[2]) if found[2] else None
    return Range(first, last) if last is None or first <= last else None


async def pass_on(
    request: web.Request,
    opening: AbstractAsyncContextManager[Stream],
    name: str,
    done: Audited,
) -> web.StreamResponse:
    """Give *request* the file that *opening* opens.

    A file that breaks off cuts the connection: nobody takes a part for the whole.

    Args:
        request: Also a HEAD, which is given no byte.
        opening: Of the file.
        name: Of the file, where the platform has none.
        done: Is told what was given.

    Raises:
        ProblemError: It cannot be had, or no further.
    """
    async with AsyncExitStack() as stack:
        async with answered():
            stream = await stack.enter_async_context(opening)
        response = _response(stream, name)
        if request.method == hdrs.METH_HEAD:
            await response.prepare(request)
            done.outcome = "only asked about"
            return response
        given = 0
        try:
            given = await _give(request, response, stream, done)
        except _GoneError:
            _cut(request)
        else:
            done.outcome = f"{given} bytes"
    return response


async def _give(
    request: web.Request,
    response: web.StreamResponse,
    stream: Stream,
    done: Audited,
) -> int:
    """Every byte of *stream*, each when the one before it is on its way."""
    given, chunks = 0, aiter(stream.chunks)
    async with answered():
        chunk = await anext(chunks, None)
    await response.prepare(request)
    done.begun = True
    while chunk is not None:
        await _write(response, chunk)
        given += len(chunk)
        done.outcome = f"broken off after {given} bytes"
        try:
            chunk = await anext(chunks, None)
        except ProviderError as error:
            _cut(request)
            raise problem_from(error) from error
    if stream.size not in (None, given):
        _cut(request)
        raise ProblemError(502, _CUT)
    return given


async def _write(response: web.StreamResponse, chunk: bytes) -> None:
    try:
        async with asyncio.timeout(STALLED_S):
            await response.write(chunk)
    except (ConnectionError, TimeoutError) as error:
        raise _GoneError from error


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _response(stream: Stream, name: str) -> web.StreamResponse:
    """The head of an answer; a browser keeps the file and never runs it."""
    type_ = stream.content_type.partition(";")[0].strip().lower()
    type_ = type_ if _TYPE.fullmatch(type_) else _ANY_TYPE
    shown = safe_name(stream.file_name) or safe_name(name + _ENDINGS.get(type_, ""))
    headers: dict[str, str] = {
        hdrs.CONTENT_TYPE: type_,
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{shown or "recording"}"',
        hdrs.CACHE_CONTROL: "no-store",
    }
    if stream.size is not None:
        headers[hdrs.CONTENT_LENGTH] = str(stream.size)
    if stream.content_range is not None:
        headers[hdrs.CONTENT_RANGE] = re.sub(r"[^\w */-]", "", stream.content_range)
    return web.StreamResponse(status=stream.status, headers=headers)


def safe_name(name: str | None) -> str:
    """*name* without anything that a file system or a header could take amiss."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", (name or "").replace("\\", "/"))
    return plain.lstrip("._-")[-100:]
