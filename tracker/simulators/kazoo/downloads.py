"""Audio and listings as they are streamed, and who wants audio at all."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web

from tracker.simulators.faults import reset_connection
from tracker.simulators.kazoo.audio import CONTENT_TYPES
from tracker.simulators.kazoo.model import Document

_AUDIO = ("audio/mpeg", "audio/mp3")
_JSON = ("application/json", "application/x-json", "*/*")


class Part(NamedTuple):
    """The bytes of some audio that are asked for; none of them: there are no such."""

    status: int
    start: int
    stop: int


def wants_audio(request: web.Request) -> bool:
    """Whether audio comes before JSON among what a request accepts.

    What is neither counts for nothing; when nothing counts, it is JSON.
    """
    accept = request.query.get("accept", "") or request.headers.get("Accept", "")
    choices = sorted(accept.lower().split(","), key=_quality, reverse=True)
    for kind in (choice.partition(";")[0].strip() for choice in choices):
        if kind in _JSON:
            return False
        if kind in _AUDIO:
            return True
    return False


def part_of(request: web.Request, size_bytes: int, *, has_ranges: bool) -> Part:
    """Which bytes a request is answered with; a range that is none asks for all."""
    if not has_ranges or "Range" not in request.headers:
        return Part(HTTPStatus.OK, 0, size_bytes)
    try:
        asked = request.http_range
    except ValueError:
        return Part(HTTPStatus.OK, 0, size_bytes)
    start, stop, _ = slice(asked.start, asked.stop).indices(size_bytes)
    if start >= stop:
        return Part(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, 0)
    return Part(HTTPStatus.PARTIAL_CONTENT, start, stop)


def audio_headers(
    request: web.Request, document: Document, part: Part, *, has_ranges: bool
) -> dict[str, str]:
    """What is said of a part of some audio before it comes."""
    headers: dict[str, str] = {}
    if has_ranges:
        headers["Accept-Ranges"] = "bytes"
    size_bytes = document.size_bytes
    if part.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return {**headers, "Content-Range": f"bytes */{size_bytes}"}
    if part.status == HTTPStatus.PARTIAL_CONTENT:
        told = f"bytes {part.start}-{part.stop - 1}/{size_bytes}"
        headers["Content-Range"] = told
    shown = "inline" if request.query.get("inline") == "true" else "attachment"
    headers["Content-Disposition"] = f"{shown}; filename={document.name}"
    headers["Content-Type"] = CONTENT_TYPES[document.of.format]
    return headers


async def stream(
    request: web.Request,
    response: web.StreamResponse,
    parts: Iterable[bytes],
    most_bytes: int | None = None,
) -> web.StreamResponse:
    """Send parts one by one; after *most_bytes*, if any, reset the connection."""
    await response.prepare(request)
    for part in parts:
        if most_bytes is None:
            await response.write(part)
            continue
        await response.write(part[:most_bytes])
        most_bytes -= len(part)
        if most_bytes <= 0:
            reset_connection(request.transport)
            break
    return response


def _quality(choice: str) -> float:
    _, _, parameters = choice.partition(";")
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 1.0
