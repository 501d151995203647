"""`/v1/stream`: events as they happen, over a WebSocket of the subprotocol tracker.v1.

::

    gateway       the route, all connections, one write per connection and turn
    conversation  a handshake's answer
    connection    one socket: reads it, pages snapshots and replays, closes it
    commands      what its client asks for, each beside everything else
    session       what is said on it; pure
    actions       what the session has the connection do
    frames        the words: what clients and we send

One cursor serves all subscriptions of a socket. A ``cursor`` frame says how far the
client has been told of everything; after it, a client with one subscription moves its
cursor on with each event, so that a resume repeats nothing. A client with several keeps
to the ``cursor`` frames, and so does one that asked for ``conflate_ms``.
"""

from tracker.outlets.websocket.gateway import Gateway

__all__ = ["Gateway"]
