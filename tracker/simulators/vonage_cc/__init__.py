"""A Vonage Contact Center (VCC) to try tracker against: tokens, calls, agents.

It answers as the documents tell it and never says more than they promise. What they
leave open, it decides as follows; clients should not rely on it:

- paths, account keys and GUIDs are compared without regard to case;
- another account's key is an unknown resource (404), and so is an unknown path or a
  method that a path doesn't have;
- wrong credentials are answered with 400 `invalid_client` when they came in the form
  and with 401 when they came as HTTP Basic; a missing, unknown or expired token with
  401 and no body;
- a GET of a call without `Accept: application/json;version=3` (or 6, the page says
  both) is answered with 406, a POST that is not application/json with 415;
- a live call has every key of the ended one, with null as `result` and
  `dispositionCode`; `Connected` as status and everything about a call that ended well
  is assumed;
- `from.agentId` is there while the agent is on the call and stays when it ends with
  the agent; it is absent once the agent has transferred it away;
- accepted changes of one call take effect in the order in which they were accepted,
  and come to nothing when the call has ended or is not recorded;
- agents are listed only for `availability=readyForPhoneCall`: those without a live
  call; other values are a bad request, `groups` is ignored, and `count` is there with
  `fields=count`;
- a request that is refused with 429 counts like any other.

`python -m tracker.simulators.vonage_cc` runs one on its own.
"""

from tracker.simulators.journal import Request
from tracker.simulators.vonage_cc.model import Call, Change, Result
from tracker.simulators.vonage_cc.options import Delay, VonageCcOptions
from tracker.simulators.vonage_cc.simulator import VonageCcSimulator

__all__ = [
    "Call",
    "Change",
    "Delay",
    "Request",
    "Result",
    "VonageCcOptions",
    "VonageCcSimulator",
]
