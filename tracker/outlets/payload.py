"""What all outlets share: their settings and services, problems, pages of items."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Final, NamedTuple

import structlog
from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import to_json

from tracker.domain.archive import Archive
from tracker.domain.snapshot import CommandPart
from tracker.domain.terms import Action
from tracker.errors import OutletError
from tracker.fanout.hub import Hub
from tracker.fanout.projection import Projection
from tracker.fanout.replay import Replay
from tracker.fanout.settings import FanoutSettings
from tracker.fanout.waiting import Waiting
from tracker.outlets.auth import Authenticator
from tracker.outlets.egress import Guard
from tracker.outlets.faults import Fault
from tracker.outlets.origins import parse_origin
from tracker.outlets.quota import Quota
from tracker.outlets.seal import Seal
from tracker.store.deliveries import Deliveries
from tracker.store.endpoints import Endpoints
from tracker.store.outbox import Outbox
from tracker.store.requests import Requests
from tracker.telemetry import Metrics

JSON: Final = "application/json"
PROBLEM_JSON: Final = "application/problem+json"
SNAPSHOT_REQUIRED: Final = "urn:tracker:problem:snapshot-required"
"""A position is lost: nothing is ever skipped, so take a snapshot and go on there."""

RETRY_AFTER_S: Final = 2

log = structlog.get_logger(__name__)


class ServerSettings(FanoutSettings):
    """The one port for everything, and how current what it serves is."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8080, ge=0, le=65535)
    """0: any free one."""
    allowed_origins: tuple[Annotated[str, AfterValidator(parse_origin)], ...] = ()
    """Of pages that are not tracker's own and may ask it, as ``https://host``."""


class Extra(BaseModel):
    """What some problems tell beside their words.

    Attributes:
        command: The open one, which stands in the way.
        command_id: Of the one that was asked for: look whether it was taken.
        errors: Every wrong field of the body, or parameter of the query.
    """

    model_config = ConfigDict(frozen=True)

    command: CommandPart | None = None
    command_id: str | None = None
    errors: tuple[Fault, ...] | None = None


class Problem(Extra):
    """RFC 9457. ``about:blank`` means what the status says."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None

    def members(self) -> dict[str, Any]:
        """What there is to say, as JSON values; a command in its whole public form."""
        told = self.model_dump(mode="json", exclude_none=True)
        if self.command is not None:
            told["command"] = self.command.model_dump(mode="json")
        return told


_NOTHING_MORE: Final = Extra()


class ProblemError(OutletError):
    """The answer to the one who asked.

    Args:
        status: Of the answer, 4xx or 5xx.
        detail: What they can do about it; nothing of ours.
        type_: A URN of a problem that they can tell from others by program.
        headers: For the answer.
        extra: Further members.
    """

    def __init__(
        self,
        status: int,
        detail: str | None = None,
        *,
        type_: str = "about:blank",
        headers: Mapping[str, str] | None = None,
        extra: Extra = _NOTHING_MORE,
    ) -> None:
        phrase = HTTPStatus(status).phrase
        super().__init__(detail or phrase)
        self.problem = Problem(
            type=type_, title=phrase, status=status, detail=detail, **dict(extra)
        )
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """As HTTP has it."""
        return web.Response(
            status=self.problem.status,
            body=to_json(self.problem.members()),
            content_type=PROBLEM_JSON,
            headers={**self.headers, "Cache-Control": "no-store"},
        )


def wrong(faults: Sequence[Fault]) -> ProblemError:
    """The answer to a request with *faults*."""
    detail = "; ".join(f"{fault.field}: {fault.detail}" for fault in faults)
    return ProblemError(400, detail, extra=Extra(errors=tuple(faults)))


OptionsCheck = Callable[[Action, Mapping[str, str | int | bool]], None]
"""Raises CommandRefusedError: the platform would not take the options, and why."""


class Webhooks(NamedTuple):
    """What is needed to manage webhook endpoints."""

    endpoints: Endpoints
    deliveries: Deliveries
    guard: Guard


@dataclass(frozen=True)
class Services:
    """What outlets work with, put together by `tracker.app`.

    Attributes:
        ready: Why this process should get no traffic; empty = it should.
        version: Of tracker.
        archives: Stored recordings, by their account's key.
        options: What looks at a command's, by the key of the call's account.
        accounts: Keys of those in the settings, whether or not they have spoken yet.
        quota: What subjects have used of what they may.
        seal: Of what only tracker's own processes may read again.
        webhooks: None = they are not to be had.
    """

    projection: Projection
    hub: Hub
    replay: Replay
    outbox: Outbox
    requests: Requests
    waiting: Waiting
    auth: Authenticator
    settings: ServerSettings
    metrics: Metrics
    ready: Callable[[], Sequence[str]]
    version: str
    archives: Mapping[str, Archive] = field(default_factory=dict)
    options: Mapping[str, OptionsCheck] = field(default_factory=dict)
    accounts: frozenset[str] = frozenset()
    quota: Quota = field(default_factory=Quota)
    seal: Seal = field(default_factory=Seal)
    webhooks: Webhooks | None = None

    def knows_account(self, key: str) -> bool:
        """Whether the account is there.

        Raises:
            ProblemError: It is, and its platform has not been heard of since the
                start of everything.
        """
        known = self.projection.get("account", key) is not None
        if not known and key in self.accounts:
            retry = {"Retry-After": str(RETRY_AFTER_S)}
            detail = "this account's platform has not answered yet: try again"
            raise ProblemError(503, detail, headers=retry)
        return known


SERVICES: Final = web.AppKey("services", Services)


def join_items(items: Iterable[bytes], **rest: object) -> bytes:
    """A page of ready-made JSON *items*, which are not looked at, and what follows."""
    return b'{"items":[%b],%b' % (b",".join(items), to_json(rest)[1:])


def audit(who: str, what: str, key: str, outcome: str) -> None:
    """Write down who did what: to which call, recording or export, and its outcome."""
    log.info("audit", who=who, what=what, key=key, outcome=outcome)
