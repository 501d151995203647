"""What kind of Kazoo server is simulated."""

from dataclasses import dataclass, field
from typing import Literal

from tracker.simulators.kazoo.model import Delay

NEWER = 5
"""The release that can do more."""

_ACCOUNT = "4f1c2a7d9b8e4c0fa1d35b6e7a8c9d0e"


@dataclass(frozen=True, slots=True, kw_only=True)
class KazooOptions:
    """What kind of Kazoo server is simulated.

    Attributes:
        account: The account's id in the paths.
        account_name: One of the three ways to name it when a user logs in.
        account_realm: The second, and the domain of its users.
        phone_number: The third, and the number that callers dial.
        api_key: Who may ask for tokens with it.
        username: Who may do so by credentials; compared in lower case.
        password: And with what.
        users: How many there are; their ids are 32 hexadecimal digits.
        seed: Ids and random traffic follow from it.
        release: 5 has pause, resume, start_record, stop_record, user_metadata and
            lists of bindings, which 4 has not.
        created_status: What an answer to a login has: documents say nothing of it.
        token_lives_s: Seconds that a token lives.
        bucket: Requests that an address may send at once; None: as many as like.
        refill_per_s: And how fast they come back.
        is_chunked: Listings are streamed, with every value after the data quoted.
        month_of: What of a recording the month in its id is of. A listing opens
            only the months of its range, so with `start` a recording that is saved
            after the month's end is found only by a range that reaches back.
        stores_recordings: Recordings without a url are kept at all.
        save_delay_s: From the end of a recording to its document.
        audio_delay_s: From the document to its audio; never: none comes.
        has_ranges: Parts of audio can be asked for.
        control_delay_s: From an accepted metaflow to its effect; never: it has none.
        has_metaflows: Calls listen to metaflows, unless they are begun otherwise.
        ignores_stop_of_named: Recordings with a media_name can't be stopped.
        record_events: The operator lets the socket carry RECORD events.
        tells_more: Lists of channels and events have the interaction's id and the
            numbers, which servers are believed to send and no document promises.
        most_sockets: Of one address; None: as many as like.
        idle_timeout_s: Until a silent socket is closed.
    """

    account: str = _ACCOUNT
    account_name: str = "acme"
    account_realm: str = "acme.sip.example"
    phone_number: str = "+15550100"
    api_key: str = field(default="ab" * 32, repr=False)
    username: str = "tracker"
    password: str = field(default="opensesame", repr=False)
    users: int = 20
    seed: int = 1
    release: Literal[4, 5] = 4
    created_status: Literal[200, 201] = 201
    token_lives_s: float = 3600
    bucket: int | None = 100
    refill_per_s: float = 10
    is_chunked: bool = False
    month_of: Literal["start", "save"] = "start"
    stores_recordings: bool = True
    save_delay_s: float = 0.05
    audio_delay_s: Delay = 0.0
    has_ranges: bool = False
    control_delay_s: Delay = 0.05
    has_metaflows: bool = True
    ignores_stop_of_named: bool = False
    record_events: bool = False
    tells_more: bool = False
    most_sockets: int | None = None
    idle_timeout_s: float = 3600
