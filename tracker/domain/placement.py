"""Who should own what: rendezvous hashing over the live processes."""

from collections.abc import Collection
from hashlib import blake2b


def owner_of(name: str, processes: Collection[str]) -> str | None:
    """The process that should own *name*; None when there is none.

    A process that comes or goes moves only its own share.
    """
    return max(processes, key=lambda process: _score(name, process), default=None)


def _score(name: str, process: str) -> bytes:
    return blake2b(f"{process}\0{name}".encode(), digest_size=8).digest()
