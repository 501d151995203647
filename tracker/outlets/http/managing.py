"""One who manages webhook endpoints: what they may do, and what they are shown."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from tracker.domain.terms import ALL_KINDS
from tracker.fanout.cursor import Cursor
from tracker.fanout.filters import Visibility
from tracker.outlets.auth import Principal
from tracker.outlets.egress import EgressRefusedError
from tracker.outlets.endpoint import Endpoint, Secret, Unreadable, parse_endpoint
from tracker.outlets.faults import Fault
from tracker.outlets.http.endpoints import (
    WebhookEndpoint,
    WebhookEndpointWithSecret,
)
from tracker.outlets.http.operation import (
    PRINCIPAL,
    json_model,
)
from tracker.outlets.payload import (
    SERVICES,
    ProblemError,
    Webhooks,
    audit,
    wrong,
)
from tracker.store.deliveries import Summary

PATH: Final = "/v1/webhooks"
ONE: Final = f"{PATH}/{{endpoint_id}}"
SCOPE: Final = "webhooks:manage"

LOOK_UP_S: Final = 5.0

NEWER: Final = "a newer release of tracker wrote it: manage it there, or delete it"
_NONE: Final = "no such endpoint"


class Managing:
    """What one caller does with endpoints.

    Args:
        request: Theirs; it has a principal.
    """

    def __init__(self, request: web.Request) -> None:
        self._services = request.app[SERVICES]
        self.principal: Principal = request[PRINCIPAL]
        self.id = request.match_info.get("endpoint_id", "")

    @property
    def webhooks(self) -> Webhooks:
        """Of this process.

        Raises:
            ProblemError: 503, there are none.
        """
        if self._services.webhooks is None:
            raise ProblemError(503, "this process manages no webhooks")
        return self._services.webhooks

    def may(self, endpoint: Endpoint | Unreadable) -> bool:
        """It is theirs, or they may see everything that it is told."""
        if endpoint.created_by == self.principal.subject:
            return True
        seen, told = self.principal.visibility, endpoint.visible
        kinds = ALL_KINDS if told.kinds is None else told.kinds
        if seen.kinds is not None and not kinds <= seen.kinds:
            return False
        return seen.but(kinds=None) == Visibility()

    async def endpoint(self) -> Endpoint:
        """The one that the path names.

        Raises:
            ProblemError: 404, it is not there, or hidden; 409, it cannot be read.
        """
        return self._mine(await self.webhooks.endpoints.get(self.id))

    async def change(self, into: Callable[[Endpoint], Endpoint]) -> Endpoint:
        """Put *into*'s answer in its place.

        Returns:
            As it is now.

        Raises:
            ProblemError: 404, 409; or what *into* raised.
        """
        last: list[Endpoint] = []

        def swap(raw: bytes | None) -> bytes:
            last.append(into(self._mine(raw)))
            return last[-1].model_dump_json().encode()

        await self.webhooks.endpoints.change(self.id, swap)
        return last[-1]

    async def remove(self) -> None:
        """Let there be none, also of one that cannot be read.

        Raises:
            ProblemError: 404.
        """

        def gone(raw: bytes | None) -> None:
            self._seen(raw)

        await self.webhooks.endpoints.change(self.id, gone)

    async def vet(self, said: Mapping[str, Any]) -> list[Fault]:
        """What is wrong with a url that cannot be sent to now, and with a cursor."""
        found: list[Fault] = []
        try:
            async with asyncio.timeout(LOOK_UP_S):
                if (url := said.get("url")) is not None:
                    await self.webhooks.guard.vet(url)
        except EgressRefusedError as error:
            found.append(Fault(field="url", detail=str(error)))
        except TimeoutError:
            words = "its host could not be looked up in time"
            found.append(Fault(field="url", detail=words))
        try:
            if (since := said.get("since")) is not None:
                Cursor.parse(since)
        except ValueError as error:
            found.append(Fault(field="since", detail=str(error)))
        return found

    def cursor(self, text: str, name: str) -> Cursor:
        """The cursor written as *text*.

        Raises:
            ProblemError: 400 when it is none, 410 when it is of another store.
        """
        try:
            cursor = Cursor.parse(text)
        except ValueError as error:
            raise wrong([Fault(field=name, detail=str(error))]) from error
        now = self._services.projection.cursor
        if cursor.epoch != now.epoch or len(cursor.places) != len(now.places):
            raise ProblemError(410, f"{name}: the cursor is of another store")
        return cursor

    async def begin(self, since: str | None) -> Cursor:
        """Where events begin, which can be replayed from there.

        Raises:
            ProblemError: 400, 410.
            PositionLostError: What comes next is gone.
        """
        if since is None:
            return self._services.projection.cursor
        cursor = self.cursor(since, "since")
        await self._services.replay.check(cursor)
        return cursor

    def audit(self, what: str, outcome: str) -> None:
        """Write down what was done."""
        audit(self.principal.subject, f"webhook {what}", self.id, outcome)

    def _mine(self, raw: bytes | None) -> Endpoint:
        endpoint = self._seen(raw)
        if isinstance(endpoint, Unreadable):
            raise ProblemError(409, NEWER)
        return endpoint

    def _seen(self, raw: bytes | None) -> Endpoint | Unreadable:
        endpoint = None if raw is None else parse_endpoint(self.id, raw)
        if endpoint is None or not self.may(endpoint):
            raise ProblemError(404, _NONE)
        return endpoint


async def with_secret(
    managing: Managing,
    endpoint: Endpoint,
    secret: Secret,
    status: int = 200,
    more: dict[str, str] | None = None,
) -> web.Response:
    """The answer that shows *secret*, for the only time."""
    snapshot = await snapshot_of(managing, endpoint)
    shown = WebhookEndpointWithSecret(**snapshot.model_dump(), secret=secret.value)
    return json_model(shown, status, more)


async def snapshot_of(managing: Managing, endpoint: Endpoint) -> WebhookEndpoint:
    """*endpoint* as it is shown."""
    told: Summary = await managing.webhooks.deliveries.summary(endpoint.id)
    now = datetime.now(UTC)
    old = [each.until for each in endpoint.secrets if each.until and each.until > now]
    public = ("id", "url", "description", "filter", "rate_per_s", "disabled")
    rest = ("created_by", "created_at", "since", "version")
    return WebhookEndpoint(
        **{name: getattr(endpoint, name) for name in (*public, *rest)},
        state="enabled" if endpoint.disabled is None else "disabled",
        old_secrets_until=max(old, default=None),
        owed=told.owed,
        oldest_owed_at=told.oldest_at,
        oldest_owed_error=told.oldest_error,
        succeeded=told.succeeded,
        failed=told.failed,
    )
