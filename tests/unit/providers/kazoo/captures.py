"""What the platform was seen to send."""

import json
from pathlib import Path
from typing import Any

from tracker.providers.kazoo.settings import KazooSettings

CAPTURES = Path(__file__).parents[3] / "captures" / "kazoo"


def capture(name: str) -> bytes:
    return (CAPTURES / f"{name}.json").read_bytes()


def parsed(name: str) -> Any:
    return json.loads(capture(name))


def envelope(data: object, **fields: object) -> bytes:
    """An answer that holds *data*."""
    return json.dumps({"data": data, "status": "success", **fields}).encode()


def settings(**fields: object) -> KazooSettings:
    told: dict[str, Any] = {
        "account": "A",
        "base_url": "https://kazoo.example:8443",
        "websocket_url": "wss://kazoo.example:5555",
        "api_key": "12345",
    }
    return KazooSettings.model_validate({**told, **fields})
