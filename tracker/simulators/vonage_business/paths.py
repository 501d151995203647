"""The paths that the service has, below both of its bases."""

import re
from typing import Literal, NamedTuple

TOKEN_PATH = "/token"  # noqa: S105 a path
BASE_PATH = "/t/vbc.prod/call_recording/api"
"""What links begin with; `/t/vbc.prod/call_recording/v1/api` is the same place."""

Kind = Literal["recordings", "recording", "export", "jobs", "job", "audio", "zip"]

_ACCOUNT = r"/accounts/(?P<account>[^/]+)"
_PATTERN = re.compile(
    r"/t/vbc\.prod/call_recording/(?:v1/)?api"
    rf"(?:(?P<company>{_ACCOUNT}/company_call_recordings)(?:/(?P<company_name>[^/]+))?"
    rf"|/accounts/(?P<of>[^/]+)/users/(?P<user>[^/]+)/call_recordings"
    r"(?:/(?P<jobs>jobs)(?:/(?P<job>[^/]+))?|/(?P<user_name>[^/]+))?"
    r"|/audio/recording/(?P<audio>[^/]+)"
    r"|(?P<zip>/bulkDownload/retrieve))"
)


class Place(NamedTuple):
    """What a path names.

    Attributes:
        account: As it was written; "" where there is none.
        user: As it was written; None: it is the company's.
        name: Of the one recording or job; "" where there is none.
    """

    kind: Kind
    account: str = ""
    user: str | None = None
    name: str = ""


def find_place(path: str) -> Place | None:
    """What a path names; None: nothing."""
    found = _PATTERN.fullmatch(path)
    if found is None:
        return None
    if found["audio"]:
        return Place("audio", name=found["audio"])
    if found["zip"]:
        return Place("zip")
    account, user = found["account"] or found["of"], found["user"]
    if found["jobs"]:
        return Place("job" if found["job"] else "jobs", account, user, _job(found))
    return _shelf_place(account, user, found["company_name"] or found["user_name"])


def _job(found: re.Match[str]) -> str:
    return found["job"] or ""


def _shelf_place(account: str, user: str | None, name: str | None) -> Place:
    if name is None:
        return Place("recordings", account, user)
    if name == "export":
        return Place("export", account, user)
    return Place("recording", account, user, name)
