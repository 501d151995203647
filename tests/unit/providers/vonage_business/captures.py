"""What the platform was seen to send."""

import json
from pathlib import Path
from typing import Any

from tracker.providers.vonage_business.settings import VonageBusinessSettings

CAPTURES = Path(__file__).parents[3] / "captures" / "vonage_business"


def capture(name: str) -> bytes:
    return (CAPTURES / f"{name}.json").read_bytes()


def changed(name: str, **fields: object) -> bytes:
    """One of them with other fields."""
    return json.dumps({**json.loads(capture(name)), **fields}).encode()


def settings(**fields: object) -> VonageBusinessSettings:
    told: dict[str, Any] = {
        "account": "549825",
        "users": ("745249",),
        "client_id": "tracker",
        "client_secret": "12345",
        "username": "jdoe",
        "password": "67890",
    }
    return VonageBusinessSettings.model_validate({**told, **fields})
