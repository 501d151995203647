"""A Vonage Business Communications (VBC) account to try tracker against: recordings.

It answers as the documents tell it and never says more than they promise. What they
leave open, it decides as follows; clients should not rely on it:

- tokens: what is wrong about the client is answered with 401 `invalid_client`, about
  user, password, code or refresh token with 400 `invalid_grant`; a client that comes
  with a code is known by HTTP Basic, else by the form. A refresh does not end older
  access tokens; `id_token` means nothing;
- a missing, unknown or expired token gets 401, another account, and what only an
  administrator may see, 403, another user and everything else that is not there 404,
  filters, order and pages that cannot be read 400: all without a body unless
  `error_bodies` says so, and then 404 says `code` 401, as a sister API does;
- a `+` in a date that was not encoded is a space, and so no date;
- filters compare whole texts. All of them must fit. `order` takes any single field of
  a recording, alone or with `:ASC`; recordings alike in it are ordered by id;
- pages are counted from 1, and page 0 is page 1. A page behind the last is empty.
  Links are on every page and lead nowhere: see the option `links`;
- in lists the own link of an on-demand recording is that of a company recording, which
  is not there, and its details have `[{}]` as `rule_ids`: as the examples do;
- audio is MP3, for the file names are. Deleting a recording deletes its audio;
- the jobs of a company's export are found under the user who asked for it, those of a
  user's under that user. A job is `in_progress` (assumed), `complete` or `failed`
  (assumed); `download_url` and `valid_until` appear with `complete`. An expired job
  stays listed and its zip is not found. What it exports is fixed when it is asked for;
- the zip holds the files by their names, and its length is not said beforehand;
- a path that it doesn't know, or a method that a path doesn't have, is not found (404);
- a request that is refused with 429 counts like any other.

`python -m tracker.simulators.vonage_business` runs one on its own.
"""

from tracker.simulators.journal import Request
from tracker.simulators.vonage_business.model import Details, Job, Recording
from tracker.simulators.vonage_business.options import VonageBusinessOptions
from tracker.simulators.vonage_business.simulator import VonageBusinessSimulator

__all__ = [
    "Details",
    "Job",
    "Recording",
    "Request",
    "VonageBusinessOptions",
    "VonageBusinessSimulator",
]
