"""What a provider gives to the rest: accounts with sources, and sources that observe.

The framework retries, not the provider: a source raises a `ProviderError` and is
observed again after a back-off. Every observation begins with a full resync, so first
start, reconnect, gap and new owner are one path.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple, Protocol

from tracker.domain.archive import Archive
from tracker.domain.reading import Reading
from tracker.domain.terms import Action
from tracker.errors import CommandRefusedError

Options = Mapping[str, str | int | bool]
"""What a platform alone understands of a command."""

Ask = Callable[[str, Action, Options], Awaitable[None]]
"""Ask the provider, once, to do something to the recording of the leg with this id.

Returning means accepted (its 2xx), which proves nothing yet.

Raises:
    CommandRefusedError: It said no, and why.
    ProviderLockedError: The credentials are refused; it was not taken.
    ProviderUnavailableError: See its *taken*.
"""


class Looks(NamedTuple):
    """When to look whether a command took effect, while nothing tells.

    Attributes:
        first_s: From the provider's yes to the first look.
        growth: Of the delay from one look to the next.
        longest_s: The delay grows no further.
    """

    first_s: float
    growth: float
    longest_s: float


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
    ) -> AsyncGenerator[Sequence[Reading]]:
        """Turns of readings, from a full resync on, for ever.

        A turn is what one answer held, in order; the first turns end with the
        resync's `Checkpoint`. Asking for the next turn says that the last one is
        stored: only then may it be acknowledged to the provider. Closing the iterator
        (``aclose``, or cancelling) ends the session within a second.

        Raises:
            ProviderLockedError: A person is needed; do not observe again.
            ProviderError: Any other: back off, then observe again.
        """
        ...

    def resync(self) -> None:
        """Make the running observation read everything again, soon."""
        ...

    @property
    def lists_calls(self) -> bool:
        """A full read finds every live call; else it must be told of them: `follow`."""
        ...

    @property
    def looks(self) -> Looks:
        """How often `look` is worth while."""
        ...

    def follow(self, call: str) -> None:
        """Show the call with this key too, from now on until it ends.

        Also before an observation begins. Where a full read finds every live call
        there is nothing to do. One that the provider does not know is shown as ended.
        """
        ...

    def look(self, call: str) -> None:
        """Have the running observation show this call again, soon: a command waits."""
        ...

    def commanding(self, asked_at: datetime) -> AbstractAsyncContextManager[Ask]:
        """Wait for one's turn in what the provider may be asked, and keep it inside.

        Args:
            asked_at: When the command was; who asked first goes first.

        Raises:
            ProviderUnavailableError: On entering: it cannot be asked now.
            ProviderLockedError: Likewise, before a person has been there.
        """
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


class CheckedArchive(Archive, Protocol):
    """An archive that can be tried."""

    async def check(self) -> str:
        """Reach the platform once; one line of what was found.

        Raises:
            ProviderError: It cannot be used, and why.
        """
        ...


def refuse_options(_action: Action, options: Options, _settings: object = None) -> None:
    """See that there are none, on a platform that takes none.

    Raises:
        CommandRefusedError: There are.
    """
    if options:
        message = f"the platform knows no options: {', '.join(sorted(options))}"
        raise CommandRefusedError(message)
