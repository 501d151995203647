"""Which process does what: its roles, and its share by rendezvous hashing."""

from collections.abc import Collection
from hashlib import blake2b
from typing import Literal, get_args

Role = Literal["ingest", "keep", "serve", "dispatch"]
"""What a process may do; by default it does everything."""

ROLES: tuple[Role, ...] = get_args(Role)


def owner_of(name: str, processes: Collection[str]) -> str | None:
    """The process that should own *name*; None when there is none.

    A process that comes or goes moves only its own share.
    """
    return max(processes, key=lambda process: _score(name, process), default=None)


def _score(name: str, process: str) -> bytes:
    return blake2b(f"{process}\0{name}".encode(), digest_size=8).digest()
