"""What kind of contact centre is simulated."""

from dataclasses import dataclass, field
from typing import Literal

Delay = float | Literal["never"]
"""Seconds from an accepted request to the change, or that it never comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VonageCcOptions:
    """What kind of contact centre is simulated.

    Attributes:
        account: The account's key in the paths.
        client_id: Who may ask for tokens.
        client_secret: And with what.
        agents: How many there are; their ids are `10`, `11`, ….
        number: Of the contact centre, where callers arrive.
        seed: GUIDs, delays and random traffic follow from it.
        expires_in: Seconds that a token lives, and what its answer says.
        delay_s: The median of the time that an accepted change takes.
        delay_sigma: The spread of that time, which is distributed log-normally;
            0: it is always the median.
        accepted_status: What an accepted change is answered with: the documents
            say 200, 201 and 202.
        limit_per_s: Requests, of whatever kind, that may arrive in any second; one
            more is answered with 429. None: as many as like.
        retry_after_s: That 429's Retry-After; None: it has none.
    """

    account: str = "a1b2c3d4e5"
    client_id: str = "tracker"
    client_secret: str = field(default="opensesame", repr=False)
    agents: int = 20
    number: str = "02072068888"
    seed: int = 1
    expires_in: int = 7200
    delay_s: Delay = 0.5
    delay_sigma: float = 0.5
    accepted_status: Literal[200, 201, 202] = 202
    limit_per_s: int | None = None
    retry_after_s: int | None = None
