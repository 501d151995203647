"""Stored recordings in tracker's words."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.providers.kazoo.captures import envelope, parsed, settings
from tracker.domain.archive import MediaSnapshot
from tracker.providers.kazoo.normalise import call_key, media
from tracker.providers.kazoo.wire import Recording, parse_recording

START = datetime(2024, 3, 12, 17, 24, 34, tzinfo=UTC)
NOW = START + timedelta(minutes=2)


def shown(
    now: datetime = NOW, numbers: str = "full", **fields: object
) -> MediaSnapshot:
    read = parse_recording(envelope(parsed("recording") | fields))
    assert isinstance(read, Recording)
    return media(read, settings(numbers=numbers), now)


def test_a_captured_recording_is_shown() -> None:
    """Linked by its interaction; its direction stays open, its place hidden."""
    one = shown()
    assert one.key == "kazoo/A/202403-bf8a6522730f93248d41f2521cfe2b95"
    assert one.call_key == call_key(settings(), "63877483400-abcd", "x")
    assert (one.call_id, one.kind, one.direction) == ("OWU4NzEw...", "kazoo", None)
    assert (one.caller_id, one.cnam, one.dnis) == ("1000", "1000", "2000")
    assert (one.user, one.extensions) == ("..", ("1000",))
    assert one.started_at == START
    assert one.ended_at == one.started_at + timedelta(milliseconds=12_034)
    assert one.audio == "external"


def test_a_recording_without_an_interaction_is_of_its_channel() -> None:
    """As a live channel without one is a call by itself; without either, of none."""
    assert shown(interaction_id=None).call_key == "kazoo/A/OWU4NzEw..."
    assert shown(call_id=None).call_key is None


def test_a_length_that_cannot_be_is_none() -> None:
    """It spoils no page; the other of the two fields may be good."""
    assert shown(duration_ms=10**18).duration_ms == 12_000
    odd = shown(duration_ms=10**18, duration=10**15)
    assert (odd.duration_ms, odd.ended_at) == (None, None)


@pytest.mark.parametrize(
    ("types", "age_h", "audio"),
    [
        (["audio/mpeg"], 0, "ready"),
        (["audio/mpeg"], 9, "ready"),
        ([], 0, "pending"),
        ([], 1, "pending"),
        ([], 9, "absent"),
        (None, 0, "pending"),
        (None, 9, "pending"),
    ],
)
def test_audio_comes_later_or_never(
    types: list[str] | None, age_h: int, audio: str
) -> None:
    """The server gives up after some tries; what is not said is not known."""
    now = NOW + timedelta(hours=age_h)
    assert shown(now, url=None, _read_only={"content_types": types}).audio == audio


@pytest.mark.parametrize(
    ("direction", "owner_id", "extensions"),
    [
        ("inbound", "u", ("1000",)),
        ("outbound", "u", ("2000",)),
        ("inbound", None, ()),
    ],
)
def test_an_extension_is_its_user_s(
    direction: str, owner_id: str | None, extensions: tuple[str, ...]
) -> None:
    """Who calls comes in at the switch."""
    assert shown(direction=direction, owner_id=owner_id).extensions == extensions


@pytest.mark.parametrize(
    ("numbers", "caller", "name"),
    [("full", "1000", "Ann"), ("last4", "…00", "Ann"), ("none", None, "Ann")],
)
def test_numbers_are_shown_as_wanted(
    numbers: str, caller: str | None, name: str
) -> None:
    """A caller's name that is their number is one."""
    one = shown(numbers=numbers, caller_id_name="Ann")
    assert (one.caller_id, one.cnam) == (caller, name)
    assert shown(numbers=numbers).cnam == caller
