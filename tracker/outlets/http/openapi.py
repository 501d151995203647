"""The OpenAPI 3.1 document, from the operations that are served and their models."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tracker.outlets.http.operation import LIVE_HEADER, Operation
from tracker.outlets.http.query import MANY, MAX_VALUES
from tracker.outlets.payload import PROBLEM_JSON, Problem

REF: Final = "#/components/schemas/{model}"
SECURITY: Final = "accessToken"

Json = dict[str, Any]


def openapi(operations: Iterable[Operation], version: str, *, secured: bool) -> Json:
    """The document.

    Args:
        operations: Everything that it describes.
        version: Of tracker.
        secured: Whether callers need an access token.
    """
    operations = list(operations)
    answers = {op.answer for op in operations if op.answer} | {Problem}
    ordered = sorted(answers, key=lambda model: model.__name__)
    _, definitions = models_json_schema(
        [(model, "serialization") for model in ordered], ref_template=REF
    )
    components: Json = {"schemas": definitions["$defs"]}
    if secured:
        scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        components["securitySchemes"] = {SECURITY: scheme}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tracker",
            "version": version,
            "summary": "Is this call being recorded, and how do we know?",
        },
        "paths": {
            op.path: {"get": _operation(op, secured=secured)} for op in operations
        },
        "components": components,
    }


def _operation(op: Operation, *, secured: bool) -> Json:
    described: Json = {
        "operationId": op.path.strip("/").replace("/", "_") or "index",
        "summary": op.summary,
        "parameters": [*_path_parameters(op.path), *_query_parameters(op.query)],
        "responses": _responses(op, secured=secured),
    }
    if secured and op.scope:
        described["security"] = [{SECURITY: [op.scope]}]
    return described


def _responses(op: Operation, *, secured: bool) -> Json:
    schema = {"$ref": REF.format(model=op.answer.__name__)} if op.answer else {}
    good: Json = {
        "description": op.summary,
        "content": {op.content_type: {"schema": schema} if schema else {}},
    }
    statuses = {*op.problems, 403, 500}
    if op.scope:
        statuses |= {503, *([401] if secured else [])}
        good["headers"] = {
            LIVE_HEADER: {
                "description": "false: take every recording state for unknown.",
                "schema": {"type": "string", "enum": ["true", "false"]},
            }
        }
    problem = {"schema": {"$ref": REF.format(model=Problem.__name__)}}
    bad = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM_JSON: problem},
        }
        for status in sorted(statuses)
    }
    return {"200": good, **bad}


def _path_parameters(path: str) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(model: type[BaseModel] | None) -> list[Json]:
    properties = model.model_json_schema()["properties"] if model else {}
    return [_parameter(name, schema) for name, schema in properties.items()]


def _parameter(name: str, schema: Mapping[str, Any]) -> Json:
    """*schema* without what no text in a query can be: null, or a set."""
    choices = [s for s in schema.get("anyOf", [schema]) if s.get("type") != "null"]
    dropped = {"default", "title", "uniqueItems", "description"}
    plain = {key: value for key, value in choices[0].items() if key not in dropped}
    if schema.get("default") is not None:
        plain["default"] = schema["default"]
    described: Json = {"name": name, "in": "query", "schema": plain}
    if "description" in schema:
        described["description"] = schema["description"]
    if name in MANY:
        described |= {"style": "form", "explode": True}
        plain["maxItems"] = MAX_VALUES
        if "enum" not in plain["items"]:
            plain["items"] = plain["items"] | {"pattern": "[^,]"}
    return described
