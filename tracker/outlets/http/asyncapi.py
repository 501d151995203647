"""The AsyncAPI 3 document of the stream, from the models of its frames."""

from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import Any, Final, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

REF: Final = "#/components/schemas/{model}"

Json = dict[str, Any]
Models = Iterable[type[BaseModel]]


class StreamForms(NamedTuple):
    """What the stream is made of.

    Attributes:
        received: Models of what clients send.
        sent: Models of what they are sent.
        close_codes: What each of ours means.
    """

    address: str
    subprotocol: str
    received: Models
    sent: Models
    close_codes: Mapping[int, str]


def asyncapi(forms: StreamForms, version: str) -> Json:
    """The document.

    Args:
        forms: Of the stream.
        version: Of tracker.
    """
    received, sent = list(forms.received), list(forms.sent)
    _, definitions = models_json_schema(
        [
            *((model, "validation") for model in received),
            *((model, "serialization") for model in sent),
        ],
        ref_template=REF,
    )
    names = [model.__name__ for model in (*received, *sent)]
    messages = {model.__name__: _message(model) for model in (*received, *sent)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "tracker stream",
            "version": version,
            "description": "Recording states of live calls, as they change.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": forms.address,
                "title": f"One WebSocket, subprotocol {forms.subprotocol}",
                "messages": {name: _ref("components/messages", name) for name in names},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
                "x-close-codes": {str(c): m for c, m in forms.close_codes.items()},
            }
        },
        "operations": {
            "fromClients": _operation("receive", received),
            "toClients": _operation("send", sent),
        },
        "components": {"messages": messages, "schemas": definitions["$defs"]},
    }


def _message(model: type[BaseModel]) -> Json:
    return {
        "name": model.__name__,
        "summary": cleandoc(model.__doc__ or "").partition("\n")[0],
        "payload": {"$ref": REF.format(model=model.__name__)},
    }


def _operation(action: str, models: list[type[BaseModel]]) -> Json:
    return {
        "action": action,
        "channel": _ref("channels", "stream"),
        "messages": [_ref("channels/stream/messages", m.__name__) for m in models],
    }


def _ref(place: str, name: str) -> Json:
    return {"$ref": f"#/{place}/{name}"}
