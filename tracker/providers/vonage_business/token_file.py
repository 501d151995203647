"""The private file that the next refresh token is kept in.

A crash at any moment leaves the newest token readable: what is written lies complete
beside the file before it takes its place, and is found there.
"""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tracker.errors import ConfigError

_PRIVATE = 0o600


class Kept(BaseModel):
    """A refresh token, which is a secret.

    Attributes:
        account: Whose it is.
        origin: Digest of the one that a person gave, from which it follows.
        was_used: It was sent, and what was answered is not known.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    account: str
    origin: str
    refresh_token: str = Field(min_length=1, repr=False)
    was_used: bool = False

    def used(self) -> "Kept":
        """The same, before it is sent."""
        return self.model_copy(update={"was_used": True})

    def next(self, refresh_token: str) -> "Kept":
        """Its successor."""
        new = {"refresh_token": refresh_token, "was_used": False}
        return self.model_copy(update=new)


class TokenFile:
    """The file; its methods block, and want the lock."""

    def __init__(self, path: Path, account: str) -> None:
        self._path = path
        self._new = path.with_name(f"{path.name}.new")
        self._lock = path.with_name(f"{path.name}.lock")
        self._account = account

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Keep all others away, those of other processes too."""
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, _PRIVATE)
        try:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def load(self, first: str) -> Kept:
        """Read the newest token.

        Args:
            first: What a person gave; it counts until it has a successor.

        Raises:
            ConfigError: It cannot be read, or is another account's.
            OSError: It cannot be put where it belongs.
        """
        origin = hashlib.sha256(first.encode()).hexdigest()
        if self._beside(origin) is not None:
            self._put()
        kept = self._read()
        if kept is not None and kept.account != self._account:
            msg = (
                f"account {self._account}: the tokens_file {self._path} belongs to "
                f"account {kept.account}: give every account a file of its own"
            )
            raise ConfigError(msg)
        if kept is not None and kept.origin == origin:
            return kept
        return Kept(account=self._account, origin=origin, refresh_token=first)

    def save(self, kept: Kept) -> None:
        """Have it on the disk, so that a crash doesn't take it away.

        Raises:
            OSError: What was there is there.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(self._new, flags, _PRIVATE), "w") as file:
            os.fchmod(file.fileno(), _PRIVATE)
            file.write(kept.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        self._put()

    def _put(self) -> None:
        self._new.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _beside(self, origin: str) -> Kept | None:
        """What a crash left there, if it was written to its end."""
        try:
            kept = Kept.model_validate_json(self._new.read_bytes())
        except (OSError, ValidationError):
            return None
        is_ours = kept.account == self._account and kept.origin == origin
        return kept if is_ours else None

    def _read(self) -> Kept | None:
        try:
            return Kept.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            wrong, cure = error.strerror or "unreadable", "correct the file's rights"
        except ValidationError:
            wrong, cure = "not as tracker wrote it", "delete it, and give a new token"
        msg = f"account {self._account}: the tokens_file {self._path}: {wrong}: {cure}"
        raise ConfigError(msg)
