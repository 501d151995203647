"""The table of a recording's parameters."""

import pytest

from tests.unit.providers.kazoo.captures import settings
from tracker.domain.terms import Action
from tracker.errors import CommandRefusedError
from tracker.providers.kazoo.options import check_options

PLACE = "https://store.example/in"

GOOD: list[tuple[str, str | int | bool]] = [
    ("format", "mp3"),
    ("format", "wav"),
    ("label", "complaint"),
    ("media_name", "call.mp3"),
    ("method", "put"),
    ("record_min_sec", 0),
    ("record_on_answer", False),
    ("record_on_bridge", True),
    ("record_sample_rate", 8000),
    ("should_follow_transfer", True),
    ("skip_module", False),
    ("time_limit", 600),
    ("url", PLACE),
]

BAD: list[tuple[str, str | int | bool, str]] = [
    ("action", "stop", "the command's own"),
    ("origin", "me", "read-only"),
    ("format", "ogg", "mp3 or wav"),
    ("format", True, "mp3 or wav"),
    ("label", "", "1 to 256"),
    ("label", "x" * 257, "1 to 256"),
    ("media_name", 7, "a text"),
    ("method", "get", "put or post"),
    ("method", "post", "upload_methods"),
    ("record_min_sec", -1, "not below 0"),
    ("record_min_sec", "3", "whole number"),
    ("record_min_sec", True, "whole number"),
    ("record_on_answer", 1, "true or false"),
    ("record_on_bridge", "true", "true or false"),
    ("record_sample_rate", 0, "hertz"),
    ("should_follow_transfer", "no", "true or false"),
    ("skip_module", 0, "true or false"),
    ("time_limit", 0, "above 0"),
    ("url", "https://evil.example", "upload_urls"),
    ("volume", 11, "no option of that name"),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_what_the_table_has_is_let_pass(name: str, value: str | int | bool) -> None:
    """Of a start; `url` as the operator allows it."""
    check_options("start", {name: value}, settings(upload_urls=[PLACE]))


@pytest.mark.parametrize(("name", "value", "words"), BAD)
def test_what_it_has_not_is_refused(
    name: str, value: str | int | bool, words: str
) -> None:
    """With what would be right; never with the value."""
    with pytest.raises(CommandRefusedError, match=words) as raised:
        check_options("start", {name: value}, settings(upload_urls=[PLACE]))
    assert "evil" not in str(raised.value)


@pytest.mark.parametrize("action", ["stop", "pause", "resume"])
@pytest.mark.parametrize(("name", "value"), GOOD)
def test_other_actions_have_no_parameters(
    action: Action, name: str, value: str | int | bool
) -> None:
    """But for the name of what is to be stopped."""
    if (action, name) == ("stop", "media_name"):
        check_options(action, {name: value}, settings())
        return
    with pytest.raises(CommandRefusedError, match=f"none of a {action}|upload"):
        check_options(action, {name: value}, settings())


def test_audio_goes_nowhere_unless_the_operator_says_so() -> None:
    """Neither a place nor, with one, a method that is not in the settings."""
    with pytest.raises(CommandRefusedError, match="upload_urls"):
        check_options("start", {"url": PLACE}, settings())
    posts = settings(upload_urls=[PLACE], upload_methods=["post"])
    with pytest.raises(CommandRefusedError, match="upload_methods"):
        check_options("start", {"url": PLACE}, posts)
    check_options("start", {"url": PLACE, "method": "post"}, posts)
