"""Vonage Contact Center (VCC), once NewVoiceMedia.

Shape:
    JSON over HTTP under ``/v0/{account}``, a bearer token by client credentials. The
    documents mix ``/calls/`` and ``/Calls/``; ids are strings or numbers. A call that
    has ended shows `status` and `recordingStatus` null and a `result`; a live call's
    answer is not in the documents.
Identity:
    A call is its GUID, for reading and for commands. An agent's answer names the GUID
    of the current or the previous call, and does not say which.
State:
    ``recordingStatus`` Started or Paused; null and anything else are unknown. Only a
    `result`, or a 404 after a 200, ends a call. Recording goes on after the agent has
    transferred the call out, and so does the polling.
Evidence:
    Nothing is pushed. A POST is answered by 202 (200 and 201 in other editions), which
    echoes what was asked for; only a GET that begins later shows what became of it.
Limits:
    No list of calls: each is followed by its GUID, or found through an agent. 429 "Too
    Many Requests" is shared by all APIs of an account, its rate is not documented: one
    token and one budget (default 10 requests/s) per account. Pause and resume only, and
    only while an agent is on the call. Details are kept for 24 h.
Source:
    docs-vcc.atlassian.net, Controlling call recording, Retrieving the call detail,
    Getting agent details, How to authenticate.
"""
