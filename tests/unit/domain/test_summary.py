"""A call's one recording state, from what its legs say."""

import pytest

from tests.unit.domain.life import Life, second
from tracker.domain.terms import CallState, RecordingState

Said = dict[str, RecordingState | None]

SUMMARIES: list[tuple[Said, set[str], tuple[str, str | None]]] = [
    # what each leg says                       blind   the call
    ({"a": "recording"}, set(), ("recording", None)),
    ({"a": "paused"}, set(), ("paused", None)),
    ({"a": "stopped"}, set(), ("stopped", None)),
    ({"a": None}, set(), ("unknown", "not_reported")),
    ({"a": "unknown"}, set(), ("unknown", "not_reported")),
    ({"a": "recording", "b": "paused"}, set(), ("recording", None)),
    ({"a": "recording", "b": "unknown"}, set(), ("recording", None)),
    ({"a": "unknown", "b": "paused"}, set(), ("unknown", "not_reported")),
    ({"a": "paused", "b": "stopped"}, set(), ("paused", None)),
    # who reports nothing does not count, unless nobody reports
    ({"a": None, "b": "stopped"}, set(), ("stopped", None)),
    ({"a": None, "b": None}, set(), ("unknown", "not_reported")),
    # who cannot be seen counts as unknown, if he ever reported
    ({"a": "recording"}, {"a"}, ("unknown", "source_blind")),
    ({"a": "stopped"}, {"a"}, ("unknown", "source_blind")),
    ({"a": "recording", "b": "paused"}, {"a"}, ("unknown", "source_blind")),
    ({"a": "recording", "b": "recording"}, {"a"}, ("recording", None)),
    ({"a": "recording", "b": "paused"}, {"b"}, ("recording", None)),
    ({"a": None, "b": "paused"}, {"a"}, ("paused", None)),
    ({"a": None, "b": None}, {"a"}, ("unknown", "source_blind")),
]


@pytest.mark.parametrize(("said", "blind", "expected"), SUMMARIES)
def test_the_call_is_summed_up_over_its_counted_legs(
    said: Said, blind: set[str], expected: tuple[str, str | None]
) -> None:
    """Recording before unknown before paused before stopped."""
    life = Life()
    for s, (agent, recording) in enumerate(said.items()):
        life.at(s).told(agent, "active", recording)
    for agent in blind:
        life.at(20).blind(agent, since_s=10)
    assert life.state == expected


def test_what_a_platform_cannot_prove_is_unknown() -> None:
    """Whatever it claims."""
    life = Life()
    life.at(0).told("a", "active", "recording", no_proof=True)
    assert life.state == ("unknown", "no_proof")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("ringing",), "ringing"),
        (("ringing", "dialing"), "dialing"),
        (("dialing", "held"), "held"),
        (("held", "active"), "active"),
        (("active", "ringing"), "active"),
    ],
)
def test_the_call_is_in_the_state_of_its_strongest_leg(
    states: tuple[CallState, ...], expected: str
) -> None:
    """Active before held before dialing before ringing."""
    life = Life()
    for agent, state in zip("ab", states, strict=False):
        life.told(agent, state)
    assert life.shown.call.state == expected


def test_an_ended_leg_counts_no_more() -> None:
    """Its last claim went with it."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).told("b", "ringing")
    life.at(2).told("a", "ended")
    assert life.shown.call.state == "ringing"
    assert life.state == ("unknown", "not_reported")


def test_a_state_since_a_notification_is_exact() -> None:
    """It was told when it changed."""
    life = Life()
    life.at(0).told("a", "active", "stopped")
    life.at(5).told("a", "active", "recording")
    recording = life.shown.recording
    assert (recording.since, recording.since_exact) == (second(5), True)
    assert recording.started_at == recording.seen_at == second(5)
    assert recording.observed_by == "genesys/acme/a"
    assert recording.cause.by == "platform"


def test_a_state_found_by_looking_counts_from_when_the_look_began() -> None:
    """And is not exact."""
    life = Life()
    life.at(0).told("a", "active", "stopped")
    life.at(5).read("a", "active", "recording", age_s=2)
    recording = life.shown.recording
    assert (recording.since, recording.since_exact) == (second(3), False)
    assert recording.started_at == second(3)


def test_a_first_sight_is_exact_only_at_the_calls_very_beginning() -> None:
    """A call that is already active was in its state before."""
    ringing, active = Life(), Life()
    ringing.told("a", "ringing", "stopped")
    active.told("a", "active", "stopped")
    assert ringing.shown.recording.since_exact is True
    assert active.shown.recording.since_exact is False


def test_a_repeat_moves_no_clock() -> None:
    """`seen_at` is the observation that set the state."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    assert life.at(9).told("a", "active", "recording") == []
    assert life.at(10).read("a", "active", "recording", age_s=0.5) == []
    recording = life.shown.recording
    assert recording.since == recording.seen_at == second(0)
    assert life.leg("a").last_seen_at == second(9.5)


def test_a_state_is_no_older_than_the_claim_that_it_rests_on() -> None:
    """Though what gave way to it went earlier than that claim was made."""
    life = Life()
    life.at(0).told("a", "active", "recording")
    life.at(1).told("b", "active", "recording")
    life.at(10).told("a", "active", "paused")
    life.at(12).absent("b", began_s=8)
    assert life.shown.recording.since == second(10)


@pytest.mark.parametrize(
    ("before", "exact", "started_s"),
    [
        ("stopped", True, 5.0),
        ("stopped", False, 5.0),
        (None, True, 5.0),
        (None, False, None),
        ("unknown", True, 5.0),
    ],
)
def test_a_recording_has_a_start_only_when_it_was_seen_to_start(
    before: RecordingState | None, exact: bool, started_s: float | None
) -> None:
    """A first look that finds it running has not."""
    life = Life()
    life.at(0).told("a", "active", before)
    life.at(5).told("a", "active", "recording", exact=exact)
    started_at = life.shown.recording.started_at
    assert started_at == (None if started_s is None else second(started_s))


def test_a_pause_does_not_restart_the_recording() -> None:
    """Its start stays; a stop and a start make a new one."""
    life = Life()
    life.at(0).told("a", "active", "stopped")
    life.at(1).told("a", "active", "recording")
    life.at(2).told("a", "active", "paused")
    life.at(3).told("a", "active", "recording")
    assert life.shown.recording.started_at == second(1)
    life.at(4).told("a", "active", "stopped")
    life.at(5).told("a", "active", "recording")
    assert life.shown.recording.started_at == second(5)
