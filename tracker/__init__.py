"""tracker: is this call being recorded, and how do we know?

One pipe, one writer::

    provider bytes -> wire -> message -> normalise -> Reading       providers/
    Reading, Request, Sent, Outcome -> inbox of a partition         ingest/
    decide(snapshot, input, now) -> Changes                         domain/
    commit: snapshots, outbox entries, inbox offset, all or none    keep/, store/
    tail of the outbox -> projection, hub                           fanout/
    WebSocket, HTTP, webhooks, dashboard                            outlets/

Imports point downwards only: cli, app, settings, then simulators, client, ingest, keep
and outlets, then fanout, then providers and store, then domain, telemetry and
retry_after, then errors.
"""
