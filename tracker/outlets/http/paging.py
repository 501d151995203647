"""Pages of a list in the order of keys, which what comes and goes does not disturb."""

from bisect import bisect_right

from aiohttp import web

from tracker.store.outbox import Stored


def page_of(
    request: web.Request, found: list[Stored], limit: int, after: str | None
) -> tuple[list[Stored], str | None]:
    """The page behind the key *after*, and the address of the one that follows."""
    begin = bisect_right(found, after, key=lambda s: s.view.key) if after else 0
    page = found[begin : begin + limit]
    if begin + limit >= len(found):
        return page, None
    return page, str(request.rel_url.update_query(after=page[-1].view.key))
