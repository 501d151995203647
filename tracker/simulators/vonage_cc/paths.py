"""The paths that the contact centre has, in whatever case they are written."""

import re
from typing import Literal, NamedTuple

TOKEN_PATH = "/Auth/connect/token"  # noqa: S105 a path

Kind = Literal["token", "call", "agent", "agents"]

_PATTERN = re.compile(
    r"(?P<token>/auth/connect/token)"
    r"|/v0/(?P<account>[^/]+)"
    r"/(?:calls/(?P<call>[^/]+)|agents/(?P<agent>[^/]+)|(?P<agents>agents/?))",
    re.IGNORECASE,
)


class Place(NamedTuple):
    """What a path names.

    Attributes:
        path: As the documents write it.
        name: The GUID or the agent's id, in lower case; "" where there is none.
    """

    kind: Kind
    path: str
    name: str = ""


def find_place(path: str, account: str) -> Place | None:
    """What a path names in an account; None: nothing."""
    found = _PATTERN.fullmatch(path)
    if found is None:
        return None
    if found["token"]:
        return Place("token", TOKEN_PATH)
    if found["account"].lower() != account.lower():
        return None
    return _place_of(found, f"/v0/{account}")


def _place_of(found: re.Match[str], prefix: str) -> Place:
    if found["call"]:
        name = found["call"].lower()
        return Place("call", f"{prefix}/calls/{name}", name)
    if found["agent"]:
        name = found["agent"].lower()
        return Place("agent", f"{prefix}/agents/{name}", name)
    return Place("agents", f"{prefix}/agents/")
