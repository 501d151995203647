"""Every deliberate error; the class says who acts."""

import os


def reason_of(error: OSError) -> str:
    """Why, in the system's words, without what a library puts around them."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__


class TrackerError(Exception):
    """The root: caught only where a process or a request ends."""


class ConfigError(TrackerError):
    """Something is set wrong: one sentence that names the place and the cure.

    At the start it ends the process, with 2. What is read again later goes on with
    what it had, or stops where it cannot.
    """


class ProviderError(TrackerError):
    """Raised in `providers/`, handled in `ingest/`, and in `outlets/` for who asks."""


class ProviderUnavailableError(ProviderError):
    """The network, a 429, a 5xx: back off; the source is blind meanwhile.

    A command that may have been taken is never repeated because of it.

    Args:
        message: What happened, without secrets.
        retry_after_s: What the provider asked for, or None.
        taken: What was asked for may have been done. False: it certainly was not, as
            after a 429, or when no connection could be made.
    """

    def __init__(
        self, message: str, retry_after_s: float | None = None, *, taken: bool = True
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.taken = taken


class ProviderLockedError(ProviderError):
    """Credentials were refused: the source stops, a person is needed."""


class CommandRefusedError(ProviderError):
    """A 4xx (or the provider's own refusal) to a command; the message is its reason."""


class NotFoundError(ProviderError):
    """The platform has no such recording, export or job (any more)."""


class RangeError(ProviderError):
    """The file has no such part.

    Args:
        size: Of the whole file in bytes; None = not told.
    """

    def __init__(self, size: int | None = None) -> None:
        super().__init__("the file has no such part")
        self.size = size


class StoreError(TrackerError):
    """Raised in `store/`."""


class StoreUnavailableError(StoreError):
    """No answer in time: retry; the process is not ready meanwhile."""


class LeaseLostError(StoreError):
    """Somebody newer holds it: stop observing or keeping, quietly."""


class PositionLostError(StoreError):
    """What the reader last knew is gone: it gets a fresh snapshot."""


class OutletError(TrackerError):
    """Raised in `outlets/`."""


class ClientRefusedError(OutletError):
    """The subscriber did what it may not; it is closed with *code*.

    Args:
        code: A WebSocket close code, 4000-4499 come back, 4500-4999 do not.
        message: The reason, at most 123 bytes of UTF-8.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class SlowSubscriberError(ClientRefusedError):
    """The subscriber does not read; closed with 4008, it resumes by cursor."""

    def __init__(self, message: str = "too slow; resume by cursor") -> None:
        super().__init__(4008, message)
