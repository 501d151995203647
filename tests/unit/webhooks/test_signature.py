"""Signatures: what the standard's own library makes of them."""

import time
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tracker.outlets.endpoint import new_secret
from tracker.outlets.webhooks.signature import headers_of

KEYS = st.binary(min_size=24, max_size=64).map(
    lambda k: "whsec_" + b64encode(k).decode()
)
IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@given(secret=KEYS, id_=IDS, text=st.text())
def test_the_standards_library_verifies_it(secret: str, id_: str, text: str) -> None:
    """Whatever the secret, the id and the body are."""
    headers = headers_of([secret], id_, int(time.time()), text.encode())
    Webhook(secret).verify(text, headers, json_parse=False)


@given(old=KEYS, new=KEYS, text=st.text())
def test_each_of_several_secrets_verifies(old: str, new: str, text: str) -> None:
    """A receiver that knows only one of them is content; one that knows none is not."""
    headers = headers_of([new, old], "e1.0.1-0", int(time.time()), text.encode())
    for secret in (old, new):
        Webhook(secret).verify(text, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret().value).verify(text, headers, json_parse=False)


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp", "body"])
def test_nothing_that_is_signed_can_be_changed(changed: str) -> None:
    """Neither the id, nor the time, nor the body."""
    secret, now_s = new_secret().value, int(time.time())
    headers = headers_of([secret], "a", now_s, b"{}") | {"body": "{}"}
    headers[changed] = {
        "webhook-id": "b",
        "webhook-timestamp": str(now_s + 1),
        "body": "[]",
    }[changed]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(headers.pop("body"), headers)


def test_a_new_secret_is_like_no_other() -> None:
    """It is as long as the hash, and random."""
    made = {new_secret().value for _ in range(100)}
    assert len(made) == 100
    assert {len(value) for value in made} == {len("whsec_") + 44}
