"""Pages of a list in the order of keys, which what comes and goes does not disturb."""

from bisect import bisect_right
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from tracker.outlets.http.query import CallQuery, PageQuery

T = TypeVar("T")


def page_of(
    request: web.Request,
    found: list[T],
    wanted: PageQuery | CallQuery,
    key: Callable[[T], str],
) -> tuple[list[T], str | None]:
    """The page that is *wanted*, and the address of the one that follows.

    Args:
        request: Its address is what the next page's begins as.
        found: Everything, in the order of its keys.
        wanted: Which page.
        key: Of one of them.
    """
    begin = bisect_right(found, wanted.after or "", key=key)
    page = found[begin : begin + wanted.limit]
    if begin + wanted.limit >= len(found):
        return page, None
    return page, str(request.rel_url.update_query(after=key(page[-1])))
