"""That a webhook endpoint was disabled: what a dispatcher tells, and what is told."""

from typing import Literal

from msgspec.structs import asdict

from tracker.domain.base import Instant, Message, Model

WhyDisabled = Literal["asked", "gone", "failing"]
"""Somebody wanted it; it answered 410; nothing was taken for days."""


class EndpointSnapshot(Model):
    """A webhook endpoint, of which only those who manage webhooks hear.

    Attributes:
        key: ``webhooks/`` and its id.
        why: It is disabled; None = it is enabled.
    """

    key: str
    state: Literal["enabled", "disabled"]
    since: Instant
    why: WhyDisabled | None = None
    version: int


class Disabled(Message, frozen=True, tag="disabled"):
    """As an input: its dispatcher has disabled it."""

    key: str
    state: Literal["enabled", "disabled"]
    since: Instant
    version: int
    why: WhyDisabled | None = None

    @property
    def snapshot(self) -> EndpointSnapshot:
        """As it is told of."""
        return EndpointSnapshot(**asdict(self))
