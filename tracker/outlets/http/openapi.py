"""The OpenAPI 3.1 document, from the operations that are served and their models."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tracker.outlets.http.operation import LIVE_HEADER, Header, Operation
from tracker.outlets.http.query import MANY, MAX_VALUES
from tracker.outlets.payload import JSON, PROBLEM_JSON, Problem

REF: Final = "#/components/schemas/{model}"
SECURITY: Final = "accessToken"

Json = dict[str, Any]

_LIVE: Final = Header(
    LIVE_HEADER,
    "false: take every recording state for unknown.",
    {"type": "string", "enum": ["true", "false"]},
)


def openapi(operations: Iterable[Operation], version: str, *, secured: bool) -> Json:
    """The document.

    Args:
        operations: Everything that it describes.
        version: Of tracker.
        secured: Whether callers need an access token.
    """
    operations = list(operations)
    answers = {op.answer for op in operations if op.answer} | {Problem}
    bodies = {op.body for op in operations if op.body}
    _, definitions = models_json_schema(
        [
            *((model, "serialization") for model in _by_name(answers)),
            *((model, "validation") for model in _by_name(bodies)),
        ],
        ref_template=REF,
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
        "paths": _paths(operations, secured=secured),
        "components": components,
    }


def _by_name(models: Iterable[type[BaseModel]]) -> list[type[BaseModel]]:
    return sorted(models, key=lambda model: model.__name__)


def _paths(operations: Iterable[Operation], *, secured: bool) -> Json:
    paths: Json = {}
    for op in operations:
        methods = paths.setdefault(op.path, {})
        methods[op.method.lower()] = _operation(op, secured=secured)
    return paths


def _operation(op: Operation, *, secured: bool) -> Json:
    name = op.path.strip("/").replace("/", "_") or "index"
    described: Json = {
        "operationId": name if op.method == "GET" else f"{op.method.lower()}_{name}",
        "summary": op.summary,
        "parameters": [
            *_path_parameters(op.path),
            *_query_parameters(op.query),
            *(
                {**_header(header), "name": header.name, "in": "header"}
                for header in op.hears
            ),
        ],
        "responses": _responses(op, secured=secured),
    }
    if op.body is not None:
        content = {JSON: {"schema": {"$ref": REF.format(model=op.body.__name__)}}}
        described["requestBody"] = {"required": True, "content": content}
    if secured and op.scope:
        described["security"] = [{SECURITY: [op.scope]}]
    return described


def _responses(op: Operation, *, secured: bool) -> Json:
    statuses = {*op.problems, 403, 500}
    if op.scope:
        statuses |= {400, 503, *([401] if secured else [])}
    problem = {"schema": {"$ref": REF.format(model=Problem.__name__)}}
    bad = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM_JSON: problem},
        }
        for status in sorted(statuses)
    }
    return {str(status): _good(op, status) for status in op.statuses} | bad


def _good(op: Operation, status: int) -> Json:
    schema = {"$ref": REF.format(model=op.answer.__name__)} if op.answer else {}
    good: Json = {"description": op.summary}
    if status != HTTPStatus.NO_CONTENT:
        good["content"] = {op.content_type: {"schema": schema} if schema else {}}
    headers = (_LIVE, *op.tells) if op.scope else op.tells
    if headers:
        good["headers"] = {header.name: _header(header) for header in headers}
    return good


def _header(header: Header) -> Json:
    return {"description": header.description, "schema": dict(header.schema)}


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
        if not plain["items"].keys() & {"enum", "pattern"}:
            plain["items"] = plain["items"] | {"pattern": "[^,]"}
    return described
