"""Limits and intervals of the WebSocket."""

from pydantic import BaseModel, ConfigDict, Field


class StreamSettings(BaseModel):
    """What one socket may ask for, and how long a subscriber may not keep up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_frame_bytes: int = Field(default=64 * 1024, gt=0)
    """From a client; a larger one closes the socket with 1009."""
    max_subscriptions: int = Field(default=100, gt=0)
    """On one socket; further ones are refused with an ``error``."""
    max_commands: int = Field(default=16, gt=0)
    """Under way on one socket; further ones are refused with an ``error``."""
    auth_timeout_s: float = Field(default=10.0, gt=0)
    """For the first frame, where a token is needed and the handshake had none."""
    ping_interval_s: float = Field(default=30.0, gt=0)
    """About; a client that says nothing from one ping to the next is cut."""
    cursor_interval_s: float = Field(default=5.0, gt=0, le=5)
    """Between ``cursor`` frames while ``live`` does not change; clients count on it."""
    slow_bytes: int = Field(default=1024 * 1024, gt=0)
    """Unsent for *slow_after_s*: closed with 4008."""
    slow_after_s: float = Field(default=5.0, gt=0)
    """How long *slow_bytes* may be unsent."""
    max_unsent_bytes: int = Field(default=16 * 1024 * 1024, gt=0)
    """More than this unsent: closed with 4008 at once."""
    page_bytes: int = Field(default=256 * 1024, gt=0)
    """Of a snapshot's page, about."""
    page_timeout_s: float = Field(default=30.0, gt=0)
    """For a client to take a page of a snapshot or replay; else closed with 4008."""
    close_timeout_s: float = Field(default=1.0, gt=0)
    """For a client to answer a close; then the connection is cut."""
