"""The documents: what HTTP offers, what the stream says, what an event's data is."""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from pydantic import JsonValue, RootModel
from pydantic_core import to_json

from tracker.domain.archive import ExportSnapshot, MediaSnapshot
from tracker.domain.base import Model
from tracker.domain.endpoint import EndpointSnapshot
from tracker.domain.event import SCHEMA_BASE
from tracker.domain.snapshot import AccountSnapshot, CallSnapshot, SourceSnapshot
from tracker.outlets.http.operation import Operation
from tracker.outlets.payload import JSON, ProblemError

OPENAPI: Final = "/openapi.json"
ASYNCAPI: Final = "/asyncapi.json"
SCHEMA_JSON: Final = "application/schema+json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ENTITIES: Final[dict[str, type[Model]]] = {
    "call": CallSnapshot,
    "media": MediaSnapshot,
    "export": ExportSnapshot,
    "source": SourceSnapshot,
    "account": AccountSnapshot,
    "endpoint": EndpointSnapshot,
}


class AnyObject(RootModel[dict[str, JsonValue]]):
    """A JSON object."""


def data_schema(kind: str, entity: type[Model]) -> dict[str, Any]:
    """The JSON schema of the ``data`` of events about a *kind* of entity."""
    schema = entity.model_json_schema(mode="serialization")
    definitions = schema.pop("$defs", {})
    definitions[entity.__name__] = schema
    return {
        "$schema": DIALECT,
        "$id": SCHEMA_BASE + kind,
        "title": f"The data of an event about one {kind}",
        "type": "object",
        "required": [kind, "change"],
        "properties": {
            kind: {"$ref": f"#/$defs/{entity.__name__}"},
            "change": {"type": "object"},
        },
        "$defs": definitions,
    }


def document_operations(documents: Mapping[str, bytes]) -> tuple[Operation, ...]:
    """The operations that serve *documents*, by path; they may be filled in later."""

    async def document(request: web.Request) -> web.Response:
        if request.path not in documents:
            raise ProblemError(404, "no such document")
        return web.Response(body=documents[request.path], content_type=JSON)

    return (
        Operation(OPENAPI, document, "This document", AnyObject),
        Operation(
            ASYNCAPI, document, "What the stream says", AnyObject, problems=(404,)
        ),
        Operation(
            "/schemas/v1/{kind}",
            get_schema,
            "The JSON schema of the data of events about a kind of entity",
            AnyObject,
            content_type=SCHEMA_JSON,
            problems=(404,),
        ),
    )


async def get_schema(request: web.Request) -> web.Response:
    """What an event's ``dataschema`` leads to."""
    kind = request.match_info["kind"]
    if kind not in _ENTITIES:
        raise ProblemError(404, f"there are {', '.join(_ENTITIES)}")
    body = to_json(data_schema(kind, _ENTITIES[kind]))
    return web.Response(body=body, content_type=SCHEMA_JSON)
