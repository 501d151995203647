"""Webhook endpoints in words: as they are asked for, and as they are shown."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tracker.domain.base import Instant, Model
from tracker.domain.spelt import Spelt
from tracker.fanout.filters import AnyFilter, Filter
from tracker.outlets.endpoint import Description, Disabled, Rate, Url
from tracker.outlets.http.query import FROM_NEXT, PageQuery

DAY_S: Final = 24 * 3600.0

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
    filter: AnyFilter
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


class EndpointProblem(Model):
    """Why an endpoint is not shown."""

    endpoint: Annotated[str, Field(description="Its id.")]
    detail: str


class EndpointQuery(PageQuery):
    """Which page of the endpoints."""

    after: Annotated[str, Spelt(r"^ep_[0-9A-Za-z]{1,64}$", FROM_NEXT)] | None = None


class EndpointPage(Model):
    """Endpoints by id.

    Attributes:
        next: The next page's address, relative to this one's.
        problems: Endpoints that there are as well, and cannot be read.
    """

    items: tuple[WebhookEndpoint, ...]
    next: str | None
    problems: tuple[EndpointProblem, ...]
