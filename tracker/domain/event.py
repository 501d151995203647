"""The published event: CloudEvents 1.0, structured JSON (DESIGN section 3)."""

from typing import Any, Literal

from tracker.domain.archive import ExportSnapshot, MediaSnapshot
from tracker.domain.base import Instant, Model
from tracker.domain.endpoint import EndpointSnapshot
from tracker.domain.snapshot import AccountSnapshot, CallSnapshot, SourceSnapshot

PREFIX = "tracker."
SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
SCHEMA_BASE = "/schemas/v1/"
"""``dataschema`` is this and the entity's kind, relative to the serving host."""

EVENT_TYPES: tuple[str, ...] = tuple(
    f"{PREFIX}{entity}.{what}"
    for entity, whats in {
        "call": ("started", "changed", "ended", "reopened"),
        "recording": (
            "started",
            "paused",
            "resumed",
            "stopped",
            "unknown",
            "seen",
        ),
        "command": (
            "requested",
            "accepted",
            "confirmed",
            "unconfirmed",
            "contradicted",
            "refused",
        ),
        "issue": ("opened", "closed"),
        "media": ("available", "deleted"),
        "export": ("progressed", "completed", "failed"),
        "source": ("up", "down", "locked"),
        "account": ("up", "down"),
        "webhook": ("disabled",),
    }.items()
    for what in whats
)
"""Every type an event can have."""


class EventData(Model):
    """Exactly one of the entities as it is after the change, and the change.

    ``change`` always has ``from`` and ``to`` where a state changed; a call's end has
    its whole ``timeline``.
    """

    call: CallSnapshot | None = None
    media: MediaSnapshot | None = None
    export: ExportSnapshot | None = None
    source: SourceSnapshot | None = None
    account: AccountSnapshot | None = None
    endpoint: EndpointSnapshot | None = None
    change: dict[str, Any]


class Event(Model):
    """One CloudEvent.

    Attributes:
        id: The event's position: ``<epoch>.<partition>.<stream id>[.n]``.
        source: ``/provider/account``.
        subject: The entity's key.
        time: When it happened, as far as known.
        recordedtime: When tracker saw it.
        sequence: The entity's version, zero-padded: it sorts as a string.
        partitionkey: The entity's key.
    """

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: Instant
    recordedtime: Instant
    sequence: str
    partitionkey: str
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    data: EventData
