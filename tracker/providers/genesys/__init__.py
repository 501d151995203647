"""Genesys Web Services v2 (HTCC).

Shape:
    JSON over HTTP; notifications by CometD over long-polling. Participants are strings
    (2013) or objects, ``id`` is the connId (2014) or the callUuid, ``duration`` is a
    string, user data may be nested, and any message may lack ``recordingState``.
Identity:
    A call is its callUuid, else its id; commands use the leg's own id. One session per
    agent: a topic carries only that agent's own calls.
State:
    ``recordingState`` Recording, Paused or Stopped; else what the *CallRecording
    capabilities offer; else the leg's earlier claim; else unknown, not_reported.
    GSIP_RECORD is attached data and travels with a transfer: never a source of truth.
Evidence:
    A notification for each change; the answer ``{"statusCode":0}`` to an operation only
    means accepted. After every handshake a full read repairs what may have been missed.
Limits:
    The server tells of no other agents' calls. While it fails, all agents of an account
    together send at most 50 requests/s, one agent at most 2.
Source:
    docs.genesys.com, Web Services API Reference 8.5 (StartCallRecording,
    PauseCallRecording), and logs of real desktops.
"""
