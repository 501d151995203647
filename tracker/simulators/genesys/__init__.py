"""A Genesys Web Services (GWS) v2 to try tracker against.

It speaks REST and CometD as the facts tell it, in three message shapes. What the
facts leave open, it decides as follows; clients should not rely on it:

- which HTTP status goes with statusCode 1, 2, 5 and 6 (400, 400, 403, 404);
- wrong credentials are answered like none (403, statusCode 20);
- a resource below `/me/calls/{id}` answers `{"statusCode":0,"call":{…}}`;
- GSIP_RECORD is attached data of the call, so a change of one leg's recording is an
  AttachedDataChanged to the others;
- a consultation has `parentCallUri` for the agent who began it (public clients read
  that key); once it became a transfer, the agent who was consulted sees it Released
  and the first call Established;
- a Released call has neither participants nor capabilities, and keeps its
  recordingState;
- recording operations are offered while a call is held.

`python -m tracker.simulators.genesys` runs one on its own.
"""

from tracker.simulators.genesys.model import (
    Agent,
    Call,
    CallState,
    Leg,
    RecordingOperation,
    RecordingState,
)
from tracker.simulators.genesys.options import SimulatorOptions
from tracker.simulators.genesys.simulator import GenesysSimulator

__all__ = [
    "Agent",
    "Call",
    "CallState",
    "GenesysSimulator",
    "Leg",
    "RecordingOperation",
    "RecordingState",
    "SimulatorOptions",
]
