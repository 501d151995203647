"""An answer before it is HTTP."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from aiohttp import web

Json = dict[str, Any]


class Reply(NamedTuple):
    """An HTTP answer; None as body: it has none."""

    status: int
    body: Json | None = None


def to_response(reply: Reply, headers: Mapping[str, str] | None = None) -> web.Response:
    """The same for aiohttp."""
    if reply.body is None:
        return web.Response(status=reply.status, headers=headers)
    return web.json_response(reply.body, status=reply.status, headers=headers)
