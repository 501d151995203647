"""What kind of account is simulated."""

from dataclasses import dataclass, field
from typing import Literal

Pace = float | Literal["never"]
"""Seconds from one file of an export job to the next, or that it never goes on."""

Types = Literal["examples", "schema", "seeded"]
"""How `caller_id` and `extensions` are written: as numbers, as the documents' examples
do, as strings, as their schema says, or for each recording one or the other."""

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class VonageBusinessOptions:
    """What kind of account is simulated.

    Attributes:
        account: Its id in the paths.
        user: The id of the user who logs in: `self`.
        users: The ids of the others.
        is_admin: Whether `user` may see the company's recordings, and other users';
            who may not is answered with 403.
        client_id: The application that asks for tokens.
        client_secret: And with what.
        username: Of `user`; what has to be sent ends in `@vbc.prod`.
        password: Of `user`.
        seed: What is made up follows from it.
        expires_in: Seconds that an access token lives.
        told_expires_in: What the answer says about that; None: the truth.
        refresh_expires_in: Seconds that a refresh token lives.
        types: How `caller_id` and `extensions` are written.
        links: What pages link to. `zero_based`: pages counted from 0, while the
            service itself counts from 1; `as_printed`: always 0, 1, 2, 3, 4, as the
            documents' examples do. Both are useless for getting on.
        most_per_page: A greater `page_size` is cut down to it; None: any is fine.
        ranges: Whether a part of an audio file can be asked for. The documents say
            nothing about it; without, the header is ignored.
        audio_bytes_per_s: How fast each file of audio is sent, as over a line; None:
            as fast as it is taken.
        error_bodies: Whether 400, 401, 403 and 404 come with a body.
        job_file_s: How fast export jobs go on by themselves.
        job_valid_s: Seconds that a completed job can be downloaded.
        files_per_job: The most; an export of more becomes several jobs. None: one.
        limit_per_s: Requests, of whatever kind, that may arrive in any second; one
            more is answered with 429. None: as many as like.
        retry_after_s: That 429's Retry-After; None: it has none.
    """

    account: str = "549825"
    user: str = "745249"
    users: tuple[str, ...] = ()
    is_admin: bool = True
    client_id: str = "tracker"
    client_secret: str = field(default="opensesame", repr=False)
    username: str = "jdoe"
    password: str = field(default="opensesame", repr=False)
    seed: int = 1
    expires_in: int = DAY_S
    told_expires_in: int | None = None
    refresh_expires_in: int = 7 * DAY_S
    types: Types = "seeded"
    links: Literal["zero_based", "as_printed"] = "zero_based"
    most_per_page: int | None = None
    ranges: bool = False
    audio_bytes_per_s: float | None = None
    error_bodies: bool = False
    job_file_s: Pace = 0.01
    job_valid_s: float = 7 * DAY_S
    files_per_job: int | None = None
    limit_per_s: int | None = None
    retry_after_s: int | None = None
