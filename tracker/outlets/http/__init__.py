"""HTTP: calls, commands, events, stored recordings; health; the documents of it all."""

from aiohttp import web
from pydantic_core import to_json

from tracker.outlets.http import (
    calls,
    commands,
    deliveries,
    events,
    exports,
    health,
    recordings,
    sources,
    watches,
    webhooks,
)
from tracker.outlets.http.asyncapi import StreamForms, asyncapi
from tracker.outlets.http.documents import ASYNCAPI, OPENAPI, document_operations
from tracker.outlets.http.openapi import openapi
from tracker.outlets.http.operation import Handler
from tracker.outlets.payload import Services

__all__ = ["StreamForms", "routes"]


def routes(
    services: Services,
    stream: StreamForms | None = None,
    front: Handler | None = None,
) -> list[web.RouteDef]:
    """Everything that this outlet serves.

    Args:
        services: Of the process.
        stream: To describe in ``/asyncapi.json``; None = there is no such document.
        front: What answers a browser at ``/``; programs get the index.
    """
    documents: dict[str, bytes] = {}
    if stream is not None:
        documents[ASYNCAPI] = to_json(asyncapi(stream, services.version))
    operations = [
        *calls.OPERATIONS,
        *commands.OPERATIONS,
        *watches.OPERATIONS,
        *events.OPERATIONS,
        *sources.OPERATIONS,
        *recordings.OPERATIONS,
        *exports.OPERATIONS,
        *webhooks.OPERATIONS,
        *deliveries.OPERATIONS,
        *health.operations(front),
        *document_operations(documents),
    ]
    secured = services.auth.mode != "none"
    document = openapi(operations, services.version, secured=secured)
    documents[OPENAPI] = to_json(document)
    return [operation.route() for operation in operations]
