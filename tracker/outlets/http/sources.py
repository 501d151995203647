"""The health of sources and accounts."""

from functools import partial
from typing import Final

from aiohttp import web

from tracker.domain.base import Model
from tracker.domain.snapshot import AccountSnapshot, SourceSnapshot
from tracker.domain.terms import Kind
from tracker.fanout.filters import Filter, Query
from tracker.outlets.http.operation import PRINCIPAL, Operation, json_answer
from tracker.outlets.http.paging import page_of
from tracker.outlets.http.query import PageQuery, parse_query
from tracker.outlets.payload import SERVICES, join_items


class SourcePage(Model):
    """Sources by key; see `CallPage`."""

    items: tuple[SourceSnapshot, ...]
    live: bool
    next: str | None


class AccountPage(Model):
    """Accounts by key; see `CallPage`."""

    items: tuple[AccountSnapshot, ...]
    live: bool
    next: str | None


async def _list(request: web.Request, kind: Kind) -> web.Response:
    projection = request.app[SERVICES].projection
    wanted = parse_query(PageQuery, request.query)
    found = projection.find(Query(Filter(), request[PRINCIPAL].visibility), kind)
    page, following = page_of(request, found, wanted, lambda each: each.view.key)
    items = (stored.snapshot for stored in page)
    return json_answer(join_items(items, live=projection.live, next=following))


OPERATIONS: Final = (
    Operation(
        "/v1/sources",
        partial(_list, kind="source"),
        "The feeds that calls are seen through",
        SourcePage,
        query=PageQuery,
        problems=(400,),
        scope="sources:read",
    ),
    Operation(
        "/v1/accounts",
        partial(_list, kind="account"),
        "The tenants of telephony platforms",
        AccountPage,
        query=PageQuery,
        problems=(400,),
        scope="sources:read",
    ),
)
