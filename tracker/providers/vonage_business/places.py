"""Where things are at Vonage Business, and what they are called in tracker's keys.

The last part of a key is ``company:ID`` or ``on_demand:USER:ID`` for a recording, and
the like of its jobs, joined by commas, for an export.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple
from urllib.parse import quote

from tracker.domain.key import make_key, split_key
from tracker.errors import NotFoundError
from tracker.providers.vonage_business.settings import VonageBusinessSettings

PROVIDER: Final = "vonage_business"
SELF: Final = "self"

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_KEY_PARTS: Final = 3
_NOT_IDS: Final = ("export", "jobs")
"""Paths of something else, where an id could be."""


class Shelf(NamedTuple):
    """The company's recordings; or, with a *user*, theirs."""

    user: str | None = None

    @property
    def kind(self) -> Literal["company", "on_demand"]:
        """Of its recordings."""
        return "company" if self.user is None else "on_demand"

    @property
    def path(self) -> str:
        """Below the account."""
        if self.user is None:
            return "/company_call_recordings"
        return f"/users/{quote(self.user, safe='')}/call_recordings"

    def named(self, number: str) -> str:
        """One of its recordings, or jobs, in a key."""
        if self.user is None:
            return f"company:{number}"
        return f"on_demand:{quote(self.user, safe='')}:{number}"


class Place(NamedTuple):
    """A recording or a job, by the platform's own id."""

    shelf: Shelf
    id: str


def shelves_of(settings: VonageBusinessSettings) -> tuple[Shelf, ...]:
    """All that are read."""
    return Shelf(), *map(Shelf, settings.users)


def account_key(settings: VonageBusinessSettings) -> str:
    """``provider/account``."""
    return make_key(PROVIDER, settings.account)


def recording_key(settings: VonageBusinessSettings, place: Place) -> str:
    """The key of a recording."""
    return make_key(PROVIDER, settings.account, place.shelf.named(place.id))


def export_key(settings: VonageBusinessSettings, jobs: Iterable[Place]) -> str:
    """The key of an export."""
    names = ",".join(job.shelf.named(job.id) for job in jobs)
    return make_key(PROVIDER, settings.account, names)


def recording_at(settings: VonageBusinessSettings, key: str) -> Place:
    """Find what a recording's key names.

    Raises:
        NotFoundError: Nothing that could be there.
    """
    return _place(settings, _last_part(settings, key))


def jobs_at(settings: VonageBusinessSettings, key: str) -> list[Place]:
    """Find what an export's key names; as `recording_at`."""
    return [_place(settings, name) for name in _last_part(settings, key).split(",")]


def is_id(text: str) -> bool:
    """It can stand in a path, and names nothing else there."""
    return _ID.fullmatch(text) is not None and text not in _NOT_IDS


def _last_part(settings: VonageBusinessSettings, key: str) -> str:
    parts = split_key(key)
    if len(parts) != _KEY_PARTS or parts[:2] != (PROVIDER, settings.account):
        raise NotFoundError("there is no such thing in this account")
    return parts[2]


def _place(settings: VonageBusinessSettings, name: str) -> Place:
    number = name.rpartition(":")[2]
    for shelf in shelves_of(settings):
        if is_id(number) and name == shelf.named(number):
            return Place(shelf, number)
    raise NotFoundError("there is no such thing in this account")
