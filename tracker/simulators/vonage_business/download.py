"""Files, streamed; and parts of them, where a part can be asked for."""

import re
from functools import partial
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web

from tracker.simulators.flow import Flow
from tracker.simulators.vonage_business import audio, bundle
from tracker.simulators.vonage_business.model import Job, Recording

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Part(NamedTuple):
    """From which byte, and before which."""

    start: int
    stop: int


def audio_response(
    recording: Recording, range_header: str | None, bytes_per_s: float | None = None
) -> web.Response:
    """A recording's audio, or a part of it.

    Args:
        recording: Whose audio.
        range_header: What was asked for; None: all of it, without a word about parts.
            A header that is no range of bytes, or several, also gets all of it.
        bytes_per_s: How fast it is sent; None: as fast as it is taken.
    """
    size = recording.size_bytes
    part, status, headers = Part(0, size), HTTPStatus.OK, dict[str, str]()
    if range_header is not None:
        headers["Accept-Ranges"] = "bytes"
        found = find_part(range_header, size)
        if found is not None and found.start >= found.stop:
            headers["Content-Range"] = f"bytes */{size}"
            return web.Response(status=416, headers=headers)
        if found is not None:
            part, status = found, HTTPStatus.PARTIAL_CONTENT
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    chunks = partial(audio.audio_chunks, recording.id, part.start, part.stop)
    body = Flow(chunks, audio.CONTENT_TYPE, part.stop - part.start, bytes_per_s)
    return web.Response(status=status, headers=headers, body=body)


def zip_response(job: Job) -> web.Response:
    """What a job exported; its length is not said beforehand."""
    chunks = partial(bundle.zip_chunks, job.recordings)
    return web.Response(body=Flow(chunks, bundle.CONTENT_TYPE, None))


def find_part(header: str, size: int) -> Part | None:
    """What a Range header means; None: nothing. No byte: it cannot be satisfied."""
    found = _RANGE.fullmatch(header.strip())
    if found is None or header.strip() == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        return Part(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return Part(int(first), min(size, int(last) + 1) if last else size)
