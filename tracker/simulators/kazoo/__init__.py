"""A Kazoo server to try tracker against: recordings, channels, and the blackhole.

It answers as the documents tell it and never says more than they promise. What they
leave open, it decides as follows; clients should not rely on it:

- a login is answered with 201 (or 200, by an option); a missing, unknown or expired
  token with 401, whatever is asked for; another account's id is unknown (404);
- of a listing's range, an end that is not given is now, a beginning that is not given
  lies 31 days and an hour before the end; both seconds are part of it;
- the month in a recording's id is that of its start (or of its save, by an option),
  and a listing opens only the months of its range, the newest first;
- `next_start_key` is where the next page begins, so what is saved or deleted between
  two pages moves nothing; a key that was never given is a bad request, and so are a
  `page_size` below 1 and an instant that is no integer;
- the streamed envelope leaves `tokens` out, since it is no single value;
- a recording's `*/*`, `application/json`, or nothing that is known gets the document;
- without the option, a Range is ignored and nobody is told of any; a delete is
  answered with the document as it was;
- the table's defaults hold, `toggle` is start, `origin` and fields that the table
  doesn't have are ignored, and an unknown value is a bad request that names the field;
- a metaflow that makes no sense now, a second start or a mask without a recording,
  is accepted and comes to nothing; pauses don't count for a recording's length;
- a recording that is shorter than its `record_min_sec` leaves no document;
- the events' `doc_created` only reaches bindings that were made in the document's
  month, and a document that is already saved is told to nobody; documents of other
  kinds are told when they are asked for, and come to nothing else;
- events and lists of channels have neither interaction id nor numbers, unless the
  option says so; the detail of a channel has the interaction id;
- frames that are no JSON objects are not answered.

`python -m tracker.simulators.kazoo` runs one on its own.
"""

from tracker.simulators.journal import Request
from tracker.simulators.kazoo.model import (
    GREGORIAN_S,
    Call,
    Change,
    Channel,
    Delay,
    Document,
    Recorded,
    State,
    to_gregorian,
)
from tracker.simulators.kazoo.options import KazooOptions
from tracker.simulators.kazoo.simulator import KazooSimulator, Urls

__all__ = [
    "GREGORIAN_S",
    "Call",
    "Change",
    "Channel",
    "Delay",
    "Document",
    "KazooOptions",
    "KazooSimulator",
    "Recorded",
    "Request",
    "State",
    "Urls",
    "to_gregorian",
]
