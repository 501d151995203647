"""What a Bayeux server answers, and a protocol that was answered so far."""

import json
from typing import Any

from tracker.providers.genesys.bayeux import Bayeux, Event, Live, Request

CALLS = "/v2/me/calls"
HELD_S = 30.0


def sent(request: Request) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = json.loads(request.body)
    return messages


def answer(protocol: Bayeux, *elements: object, took_s: float = HELD_S) -> list[Event]:
    protocol.next_request()
    return protocol.receive(json.dumps(elements).encode(), took_s)


def handshaken(**fields: object) -> dict[str, object]:
    return {
        "channel": "/meta/handshake",
        "successful": True,
        "clientId": "c1",
        "advice": {"reconnect": "retry", "interval": 0, "timeout": 30_000},
        **fields,
    }


def subscribed(channel: str | list[str] = CALLS, **fields: object) -> dict[str, object]:
    reply = {"channel": "/meta/subscribe", "subscription": channel}
    return {**reply, "successful": True, **fields}


def connected(**fields: object) -> dict[str, object]:
    return {"channel": "/meta/connect", "successful": True, **fields}


def refused(channel: str = "/meta/connect", **fields: object) -> dict[str, object]:
    return {"channel": channel, "successful": False, **fields}


def message(data: object = 1) -> dict[str, object]:
    return {"channel": CALLS, "data": data}


def new(*subscriptions: str) -> Bayeux:
    return Bayeux(subscriptions or (CALLS,), random=lambda: 0.0)


def live(*, ack: bool = False) -> Bayeux:
    protocol = new()
    answer(protocol, handshaken(ext={"ack": ack}))
    answer(protocol, subscribed())
    assert answer(protocol, connected()) == [Live()]
    return protocol


def settled() -> Bayeux:
    protocol = live()
    assert answer(protocol, connected()) == []
    return protocol
