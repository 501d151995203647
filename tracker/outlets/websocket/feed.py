"""Bringing a new subscription up to now: what it missed or what there is, then live."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, NamedTuple

from tracker.domain.terms import Kind
from tracker.errors import PositionLostError, StoreUnavailableError
from tracker.fanout.cursor import Cursor
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.replay import Replay
from tracker.outlets.auth import Authenticator
from tracker.outlets.websocket import frames
from tracker.outlets.websocket.frames import FrameError
from tracker.outlets.websocket.session import Begin, Session
from tracker.outlets.websocket.settings import StreamSettings
from tracker.outlets.websocket.subscription import Subscription

Drain = Callable[[], Awaitable[None]]
"""Write what the session has, and wait until the client has taken it."""

_KINDS: Final[tuple[Kind, ...]] = ("call", "source", "account")


class Feed(NamedTuple):
    """Where a connection gets everything from."""

    hub: Hub
    projection: Projection
    replay: Replay
    auth: Authenticator
    settings: StreamSettings


async def bring_up(feed: Feed, session: Session, begin: Begin, drain: Drain) -> None:
    """Begin a subscription where its client wants it; it is live when this returns."""
    subscription, since, snapshot = begin
    try:
        if since is not None and not await _can_resume(feed, since):
            since, snapshot = None, True
        await _follow(feed, session, Begin(subscription, since, snapshot), drain)
    except StoreUnavailableError as error:
        session.drop(subscription)
        detail = f"{error}; subscribe again"
        failed = FrameError(HTTPStatus.SERVICE_UNAVAILABLE, detail, subscription.id)
        session.send(failed.frame())


def cursor_frame(projection: Projection) -> bytes:
    """The ``cursor`` frame of now."""
    cursor = str(projection.cursor)
    return frames.cursor(cursor, live=projection.live, now=datetime.now(UTC))


async def _can_resume(feed: Feed, since: Cursor) -> bool:
    try:
        await feed.replay.check(since)
    except PositionLostError:
        return False
    return True


async def _follow(feed: Feed, session: Session, begin: Begin, drain: Drain) -> None:
    """Say where it begins, send the snapshot, then all that came meanwhile.

    What turns out to be gone in the middle of it begins anew with a snapshot.
    """
    subscription, since, snapshot = begin
    while True:
        if not feed.projection.loaded:
            raise StoreUnavailableError("this process is still starting")
        cursor = since or feed.projection.cursor
        session.begin(subscription, cursor, datetime.now(UTC), whole=since is not None)
        try:
            if snapshot and since is None:
                await _send_snapshot(feed, session, subscription, drain)
            await _catch_up(feed, session, subscription, drain, cursor)
        except PositionLostError:
            since, snapshot = None, True
        else:
            return


async def _send_snapshot(
    feed: Feed, session: Session, subscription: Subscription, drain: Drain
) -> None:
    find, query = feed.projection.find, subscription.query
    found = [(kind, one.snapshot) for kind in _KINDS for one in find(query, kind)]
    for page in frames.snapshot(subscription.id, found, feed.settings.page_bytes):
        session.send(page)
        await drain()


async def _catch_up(
    feed: Feed,
    session: Session,
    subscription: Subscription,
    drain: Drain,
    cursor: Cursor,
) -> None:
    pages = feed.replay.pages(subscription.query, cursor)
    async with aclosing(pages):
        async for page in pages:
            session.replay(subscription, page.events)
            if page.last:
                feed.hub.add(subscription.query, subscription)
                session.joined(subscription, cursor)
                session.cursor(cursor_frame(feed.projection))
            else:
                await drain()
