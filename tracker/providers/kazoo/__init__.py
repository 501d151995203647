"""Kazoo (2600Hz): stored recordings, and live channels.

Shape:
    JSON over HTTP under ``/v2``, in envelopes whose trailers may be strings. A token by
    an api key or by hashed credentials, in ``X-Auth-Token``; its lifetime (3600 s) is
    not told. Instants are Gregorian seconds: Unix plus 62167219200. The blackhole, a
    WebSocket, tells of channels; only a single ``binding`` works on release 4.
Identity:
    A leg is a channel, by its UUID: commands use it. A call is an interaction: its key
    is made of ``interaction_id``, and where a channel has none, of the channel's UUID.
    A stored recording names both, and its `call_key` is made by the same rule, so that
    it is linked whichever was known first. Lists and events of channels may lack the
    interaction; then the channel's detail is read before anything is told of it. One
    that has ended by then is never told of. A channel keeps the call that it was first
    given. ``direction`` is the switch's view of a leg, never the call's type: who calls
    comes in.
Agents:
    ``owner_id``, the user whose device it is; a channel without one is an outside
    party's. A recording may be started by the server on any channel: so a start goes to
    users' channels, and a stop, pause or resume to all whose recording is unknown.
State:
    No channel shows whether it is recorded. RECORD events tell, where the operator has
    enabled them: a channel that was created while they are told is claimed by them
    alone; of an older one, and after any interruption, the state is unknown, no_proof,
    until its next event, and again when a recording reaches its time limit. A mask
    (silence is recorded) is a pause. On servers that tell of starts and stops only, a
    pause that tracker asks for leaves the state unknown; one that others ask for is not
    seen.
Evidence:
    A 202 "metaflow sent" proves nothing. A RECORD event does, and so does a stored
    document: it is saved after its recording has stopped. Without either a command ends
    unconfirmed.
Blindness:
    Bindings are lost silently. So they are verified every minute, and channels listed:
    one whose beginning or end was not told ends the connection, and all is read again.
    The binding for documents is of one month, and is made anew each time.
Recordings:
    Lists are keyed on the document's save, at most 31 days and an hour at once, and
    open only the months that they touch. tracker orders by start, which comes before
    the save, by `longest_recording_s` at most: a recording saved later than that may be
    missed in a list, but not by `saved_since`. A document is there before its audio; a
    404 then means not yet. Deleting removes audio that lies with the document, not what
    lies elsewhere.
Limits:
    100 requests at once, 10 per second, per address and account; then 429. Metaflows
    must be enabled for a call, or nothing comes of a command. A leg that ended while
    nobody observed, in a call that goes on, is released with its call.
Source:
    docs.2600hz.com, and the code of Kazoo 4 and 5: crossbar, blackhole, media_mgr,
    ecallmgr. Bodies were assembled from code, few were captured from a server.
"""
