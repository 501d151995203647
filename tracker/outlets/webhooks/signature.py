"""Signatures of Standard Webhooks, version 1: HMAC-SHA256 over id, time and body."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Final

PREFIX: Final = "whsec_"


def headers_of(
    secrets: Iterable[str], id_: str, at_s: int, body: bytes
) -> dict[str, str]:
    """The three header fields of a request.

    Args:
        secrets: Each signs; a receiver that knows one of them is content.
        id_: The event's.
        at_s: Of the attempt, seconds since 1970.
        body: As it is sent.
    """
    signed = b"%b.%d.%b" % (id_.encode(), at_s, body)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join([_signature(each, signed) for each in secrets]),
    }


def _signature(secret: str, signed: bytes) -> str:
    digest = hmac.digest(_key(secret), signed, sha256)
    return f"v1,{b64encode(digest).decode()}"


@lru_cache(maxsize=4096)
def _key(secret: str) -> bytes:
    return b64decode(secret.removeprefix(PREFIX))
