"""What a provider gives to the rest: accounts with sources, and sources that observe.

The framework retries, not the provider: a source raises a `ProviderError` and is
observed again after a back-off. Every observation begins with a full resync, so first
start, reconnect, gap and new owner are one path.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from tracker.domain.reading import Checkpoint, Observation, Unreadable


class Source(Protocol):
    """The smallest feed that is leased, backed off and reported healthy alone."""

    @property
    def key(self) -> str:
        """``provider/account/name``."""
        ...

    @property
    def answered_at_s(self) -> float | None:
        """Loop time of the provider's last answer; None before the first."""
        ...

    @property
    def overdue_after_s(self) -> float:
        """Without an answer for so long the source is blind; at least 10."""
        ...

    def observe(
        self,
    ) -> AsyncGenerator[Sequence[Observation | Checkpoint | Unreadable]]:
        """Turns of readings, from a full resync on, for ever.

        A turn is what one answer held, in order; the first turns end with the
        resync's `Checkpoint`. Asking for the next turn says that the last one is
        stored: only then may it be acknowledged to the provider. Closing the iterator
        (``aclose``, or cancelling) ends the session within a second.

        Raises:
            ProviderUnavailableError: Back off, then observe again.
            ProviderLockedError: A person is needed; do not observe again.
        """
        ...

    def resync(self) -> None:
        """Make the running observation read everything again, soon."""
        ...


class Account(Protocol):
    """One tenant of a platform: its sources, and what they share."""

    @property
    def key(self) -> str:
        """``provider/account``."""
        ...

    def sources(self) -> Mapping[str, Source]:
        """All sources by key, as the settings have them now; re-read when changed.

        The same key gives the same object until its settings change.

        Raises:
            ConfigError: The settings cannot be read now; the old ones stay.
        """
        ...

    async def check(self) -> str:
        """Reach the provider once; one line of what was found.

        Raises:
            ProviderError: It cannot be used, and why.
        """
        ...
