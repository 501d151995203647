"""One who manages webhook endpoints: what they may do, and what they are shown."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, field_validator

from tracker.domain.base import Instant, Model
from tracker.domain.terms import ALL_KINDS
from tracker.fanout.cursor import Cursor
from tracker.fanout.filters import Filter, Visibility
from tracker.outlets.auth import Principal
from tracker.outlets.egress import EgressRefusedError
from tracker.outlets.endpoint import (
    Description,
    Disabled,
    Endpoint,
    Rate,
    Secret,
    Url,
)
from tracker.outlets.faults import Fault
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
DAY_S: Final = 24 * 3600.0

_NONE: Final = "no such endpoint"
_MODEL: Final = ConfigDict(
    frozen=True, extra="forbid", strict=True, hide_input_in_errors=True
)

State = Literal["enabled", "disabled"]


class WantedEndpoint(BaseModel):
    """An endpoint that is to be.

    Attributes:
        url: Where events are sent; https.
        filter: Which ones, as on the stream.
        rate_per_s: Requests a second at most; null = as fast as it takes them.
        since: A cursor: its events begin behind it; null = now.
    """

    model_config = _MODEL

    url: Annotated[Url, Field(examples=["https://example.com/hook"])]
    description: Description = ""
    filter: Filter = Filter()
    rate_per_s: Rate | None = None
    since: str | None = None


class ChangedEndpoint(BaseModel):
    """What is to be otherwise; what is not named stays."""

    model_config = _MODEL

    url: Url | None = None
    description: Description | None = None
    filter: Filter | None = None
    rate_per_s: Rate | None = None
    state: State | None = None

    @field_validator("url", "description", "filter", mode="before")
    @classmethod
    def _is_named(cls, value: object) -> object:
        if value is None:
            message = "it cannot be null"
            raise ValueError(message)
        return value


class Rotation(BaseModel):
    """A new secret.

    Attributes:
        overlap_s: For so long the old one signs as well.
    """

    model_config = _MODEL

    overlap_s: Annotated[float, Field(ge=0, le=7 * DAY_S)] = DAY_S


class WebhookEndpoint(Model):
    """An endpoint, and how it goes with it.

    Attributes:
        state: Of one that is disabled, *disabled* says why.
        since: The cursor behind which its events begin.
        owed: How many deliveries are, and the oldest of them since *oldest_owed_at*;
            *oldest_owed_error* is why its last attempt was none of use.
        succeeded, failed: Attempts of the last day.
        old_secrets_until: When only the newest secret signs; null = so it is.
    """

    id: str
    url: str
    description: str
    filter: Filter
    rate_per_s: float | None
    state: State
    disabled: Disabled | None
    created_by: str
    created_at: Instant
    since: str
    old_secrets_until: Instant | None
    owed: int
    oldest_owed_at: Instant | None
    oldest_owed_error: str | None
    succeeded: int
    failed: int
    version: int


class WebhookEndpointWithSecret(WebhookEndpoint):
    """An endpoint, and its new secret, which is not shown again."""

    secret: str


class EndpointPage(Model):
    """Endpoints by id.

    Attributes:
        next: The next page's address, relative to this one's.
    """

    items: tuple[WebhookEndpoint, ...]
    next: str | None


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

    def may(self, endpoint: Endpoint) -> bool:
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
            ProblemError: 404, it is not there, or hidden.
        """
        return self._mine(await self.webhooks.endpoints.get(self.id))

    async def change(self, into: Callable[[Endpoint], Endpoint | None]) -> Endpoint:
        """Put *into*'s answer in its place; None = remove it.

        Returns:
            As it is now, or was.

        Raises:
            ProblemError: 404; or what *into* raised.
        """
        last: list[Endpoint] = []

        def swap(raw: bytes | None) -> bytes | None:
            known = self._mine(raw)
            after = into(known)
            last.append(after or known)
            return None if after is None else after.model_dump_json().encode()

        await self.webhooks.endpoints.change(self.id, swap)
        return last[-1]

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
        endpoint = None if raw is None else Endpoint.model_validate_json(raw)
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
