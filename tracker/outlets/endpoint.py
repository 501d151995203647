"""A webhook endpoint: who is told of what, and with which secrets it is signed."""

from base64 import b64encode
from contextlib import suppress
from datetime import datetime
from secrets import token_bytes, token_hex
from typing import Annotated, ClassVar, Final

from pydantic import Field, StringConstraints, ValidationError

from tracker.domain.base import Instant, Model
from tracker.domain.endpoint import WhyDisabled
from tracker.domain.key import make_key
from tracker.fanout.filters import EVERYTHING, AnyFilter, Query, Visibility

MAX_ENDPOINTS: Final = 1000
MAX_REPLAYS: Final = 20
"""As many are remembered with an endpoint, the newest."""

MAX_SECRETS: Final = 5

Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Description = Annotated[str, StringConstraints(max_length=200)]
Rate = Annotated[float, Field(ge=0.001, le=10_000)]


class Secret(Model):
    """One that attempts are signed with.

    Attributes:
        value: ``whsec_`` and the base64 of the key.
        until: None = for good.
    """

    value: str
    until: Instant | None = None


class Replay(Model):
    """Events to be delivered again, or for the first time.

    Attributes:
        since: A cursor: those after it,
        until: up to this one.
    """

    id: str
    since: str
    until: str
    asked_at: Instant


class Disabled(Model):
    """Nothing is delivered any more; what is owed waits."""

    at: Instant
    why: WhyDisabled
    by: str | None = None


class Endpoint(Model):
    """As it is stored.

    Attributes:
        filter: What is wanted, within
        visible: what its creator may see.
        rate_per_s: Attempts a second at most; None = as fast as it takes them.
        since: The cursor behind which its events begin.
        secrets: Newest first.
    """

    id: str
    url: str
    description: str = ""
    filter: AnyFilter
    visible: Visibility
    rate_per_s: float | None = None
    disabled: Disabled | None = None
    created_by: str
    created_at: Instant
    since: str
    secrets: tuple[Secret, ...]
    replays: tuple[Replay, ...] = ()
    version: int = 1

    @property
    def key(self) -> str:
        """Among entities."""
        return make_key("webhooks", self.id)

    @property
    def query(self) -> Query:
        """What it is told."""
        return Query(self.filter, self.visible)

    def signing(self, now: datetime) -> list[str]:
        """The secrets that count *now*, newest first."""
        return [s.value for s in self.secrets if s.until is None or now < s.until]

    def changed(self, **changes: object) -> "Endpoint":
        """The same, one version on."""
        return self.but(version=self.version + 1, **changes)


class Unreadable(Model):
    """What is known of an endpoint that a newer release wrote.

    Attributes:
        created_by: Empty = not even that.
        visible: What it is told may be anything.
    """

    visible: ClassVar[Visibility] = EVERYTHING

    id: str = ""
    created_by: str = ""


def parse_endpoint(id_: str, raw: bytes) -> Endpoint | Unreadable:
    """The endpoint that is stored as *raw*."""
    with suppress(ValidationError):
        return Endpoint.model_validate_json(raw)
    with suppress(ValidationError):
        return Unreadable.model_validate_json(raw).but(id=id_)
    return Unreadable(id=id_)


def new_secret() -> Secret:
    """One that nobody knows yet; its key is as long as the hash."""
    return Secret(value="whsec_" + b64encode(token_bytes(32)).decode())


def new_endpoint_id() -> str:
    """Of an endpoint that is to be."""
    return f"ep_{token_hex(10)}"
