"""The paths that the server has."""

from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import unquote

Kind = Literal[
    "api_auth",
    "user_auth",
    "token_auth",
    "recordings",
    "recording",
    "channels",
    "channel",
    "elsewhere",
]

_KINDS: Mapping[str, tuple[Kind, Kind]] = {
    "recordings": ("recordings", "recording"),
    "channels": ("channels", "channel"),
}
"""Of all of a resource, and of one."""


class Place(NamedTuple):
    """What a path names.

    Attributes:
        name: The id of the recording, the channel or, elsewhere, the account.
        user_id: Whose recordings; None: the account's.
    """

    kind: Kind
    name: str = ""
    user_id: str | None = None


def find_place(raw_path: str, account: str) -> Place | None:
    """What a path names; None: nothing.

    Args:
        raw_path: With its percent signs, for an id may contain a slash.
        account: Whose server it is; all other accounts' places are elsewhere.
    """
    match [unquote(part) for part in raw_path.split("/")]:
        case ["", "v2", "api_auth"]:
            return Place("api_auth")
        case ["", "v2", "user_auth"]:
            return Place("user_auth")
        case ["", "v2", "token_auth"]:
            return Place("token_auth")
        case ["", "v2", "accounts", other, *rest]:
            return _find_inside(rest) if other == account else Place("elsewhere", other)
        case _:
            return None


def _find_inside(parts: list[str]) -> Place | None:
    match parts:
        case [resource] if resource in _KINDS:
            return Place(_KINDS[resource][0])
        case [resource, name] if resource in _KINDS:
            return Place(_KINDS[resource][1], name)
        case ["users", user_id, "recordings"]:
            return Place("recordings", user_id=user_id)
        case _:
            return None
