"""What channels claim of their legs."""

import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.providers.kazoo.captures import settings
from tracker.domain.reading import Observation
from tracker.domain.terms import ALL_ACTIONS
from tracker.providers.kazoo.board import GRACE_S, Board
from tracker.providers.kazoo.channel import FullRead
from tracker.providers.kazoo.frames import CallEvent
from tracker.providers.kazoo.settings import KazooUser
from tracker.providers.kazoo.wire import ChannelDetail
from tracker.providers.wire import Garbled

SELDOM = ("stop", "pause", "resume")
CALLER, CALLED = "caller", "called"


def event(name: str, uuid: str = CALLED, **fields: object) -> CallEvent:
    owner = {"owner_id": "u1"} if uuid == CALLED else {}
    told = {
        "name": name,
        "call_id": uuid,
        "call_direction": "inbound" if uuid == CALLER else "outbound",
        "call_interaction_id": "i",
        "custom_channel_vars": owner,
        **fields,
    }
    return CallEvent.model_validate(told)


def channel(uuid: str, **fields: object) -> ChannelDetail:
    owner = {"owner_id": "u1"} if uuid == CALLED else {}
    told = {"uuid": uuid, "interaction_id": "i", "answered": True, **owner, **fields}
    return ChannelDetail.model_validate(told)


def board(*, records: bool = True, pauses: bool = True) -> Board:
    made = Board(settings(), {"u1": KazooUser(id="u1", team="sales")})
    made.begin(records=records, pauses=pauses)
    return made


def read(began_s: float, *channels: ChannelDetail) -> FullRead:
    return FullRead(began_s, channels)


def states(told: Iterable[Observation]) -> dict[str, str | None]:
    return {it.leg: it.recording for it in told}


def test_a_start_goes_to_users_and_the_rest_to_all() -> None:
    """A recording may be anywhere, but is begun where a user is."""
    told = board().apply(
        read(0, channel(CALLER), channel(CALLED)), 0, first=True, everything=True
    )
    assert {it.leg: it.actions for it in told.observations} == {
        CALLER: SELDOM,
        CALLED: ALL_ACTIONS,
    }
    assert [it.team for it in told.observations] == [None, "sales"]


def test_a_call_without_a_user_is_recorded_on_its_first_channel() -> None:
    """Until a user comes to it, which is told of the first one too."""
    made = board()
    (first,) = made.event(event("CHANNEL_CREATE", CALLER), 0)
    assert first.actions == ALL_ACTIONS
    told = made.event(event("CHANNEL_CREATE", CALLED), 0)
    assert {it.leg: it.actions for it in told} == {CALLER: SELDOM, CALLED: ALL_ACTIONS}


def test_where_it_records_it_can_be_begun_again() -> None:
    """Whoever's channel it is."""
    made = board()
    made.event(event("CHANNEL_CREATE", CALLER), 0)
    made.event(event("CHANNEL_CREATE", CALLED), 0)
    (told,) = made.event(event("RECORD_STOP", CALLER), 0)
    assert (told.recording, told.actions) == ("stopped", ALL_ACTIONS)


def test_what_was_known_before_a_break_is_unknown_after_it() -> None:
    """And so is every channel that was there."""
    made = board()
    made.event(event("CHANNEL_CREATE"), 0)
    made.event(event("RECORD_START"), 0)
    made.begin(records=True, pauses=True)
    told = made.apply(read(1, channel(CALLED)), 1, first=True, everything=True)
    assert states(told.observations) == {CALLED: "unknown"}
    assert told.observations[0].no_proof


@pytest.mark.parametrize("began_s", [1, 2 + GRACE_S])
def test_a_list_brings_nothing_back(began_s: float) -> None:
    """That has just ended; nor does it end what began meanwhile."""
    made = board()
    made.event(event("CHANNEL_CREATE"), 0)
    made.event(event("CHANNEL_DESTROY"), 2)
    made.event(event("CHANNEL_CREATE", "new"), 2)
    listed = read(began_s, channel(CALLED))
    told = made.apply(listed, began_s + 1, first=False, everything=True)
    assert (set(states(told.observations)), told.missed) == ({"new"}, 0)


@pytest.mark.parametrize("interaction", ["i", None])
def test_a_channel_that_ended_before_its_detail_was_read_is_over(
    interaction: str | None,
) -> None:
    """Also where an event had told its call by then; that it has ended is told once."""
    made = board()
    made.event(event("CHANNEL_CREATE", call_interaction_id=None), 0)
    told = made.event(event("CHANNEL_ANSWER", call_interaction_id=interaction), 1)
    over = made.identified(CALLED, None)
    over += made.event(event("CHANNEL_DESTROY"), 2)
    assert [(it.leg, it.state) for it in over] == [(it.leg, "ended") for it in told]
    assert made.apply(read(3), 3, first=False, everything=True).calls == ()


def test_what_should_have_been_told_is_counted() -> None:
    """A beginning that only lists show; an end that only a list shows."""
    made = board()
    made.event(event("CHANNEL_CREATE"), 0)
    late = GRACE_S + 2
    both = made.apply(
        read(1, channel(CALLED), channel("silent")), 1, first=False, everything=False
    )
    assert both.missed == 0
    silent = channel("silent")
    told = made.apply(read(late, silent), late, first=False, everything=True)
    assert told.missed == 1
    later = made.doubted_at_s
    assert later == late + GRACE_S
    told = made.apply(read(later, silent), later, first=False, everything=True)
    assert told.missed == 2
    assert [it.leg for it in told.observations if it.state == "ended"] == [CALLED]
    assert made.doubted_at_s == math.inf


def test_an_end_may_be_told_after_a_list_has_shown_it() -> None:
    """It is told, then: nothing was missed, and no list has to look for it."""
    made = board()
    made.event(event("CHANNEL_CREATE"), 0)
    made.event(event("RECORD_START"), 0)
    soon = 60 + GRACE_S / 2
    for began_s in (60.0, soon):
        listed = made.apply(read(began_s), began_s, first=False, everything=False)
        assert (listed.missed, listed.observations) == (0, [])
    (ended,) = made.event(event("CHANNEL_DESTROY"), soon)
    assert (ended.state, ended.exact) == ("ended", True)
    assert made.doubted_at_s == math.inf


@pytest.mark.parametrize("is_garbled", [False, True])
def test_a_channel_that_a_list_lacked_may_be_there(*, is_garbled: bool) -> None:
    """The next one shows it, or cannot be read: it has to be absent anew."""
    made = board()
    made.event(event("CHANNEL_CREATE"), 0)
    made.apply(read(60), 60, first=False, everything=False)
    again = read(120) if is_garbled else read(120, channel(CALLED))
    again.garbled = [Garbled("channel", "{}")] if is_garbled else []
    for began_s, listed in ((120, again), (180, read(180))):
        told = made.apply(listed, began_s, first=False, everything=False)
        assert told.missed == 0
    assert CALLED in made.channels


@pytest.mark.parametrize(("age_s", "at_s"), [(1.0, 0.0), (GRACE_S + 60, 60.0)])
def test_an_old_document_proves_an_old_stop(age_s: float, at_s: float) -> None:
    """Not the one that was asked for just now."""
    made = board(records=False)
    made.event(event("CHANNEL_CREATE"), 0)
    stopped, after = made.stored(CALLED, age_s)
    assert (stopped.recording, stopped.age_s) == ("stopped", at_s)
    assert (after.recording, after.no_proof) == ("unknown", True)
    assert made.stored("nobody", 0) == []
    assert board().stored(CALLED, 0) == []


NAMES = (
    "CHANNEL_CREATE",
    "CHANNEL_ANSWER",
    "CHANNEL_DESTROY",
    "RECORD_START",
    "RECORD_STOP",
    "RECORD_PAUSE",
    "RECORD_UNMASK",
    "RECORD_WHATEVER",
    "a list",
    "a break",
    "its limit",
)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from("abc"))))
def test_nothing_is_recording_that_was_not_told_so(
    happened: list[tuple[str, str]],
) -> None:
    """Since the last break, and within its limit; and what ended says no more."""
    made, proven, ended = board(), set[str](), set[str]()
    for number, (name, uuid) in enumerate(happened):
        now_s = 0.01 * number
        told: list[Observation] = []
        if name == "a list":
            listed = [channel(it) for it in made.channels]
            told += made.apply(
                read(now_s, *listed), now_s, first=False, everything=True
            ).observations
        elif name == "a break":
            proven.clear()
            made.begin(records=True, pauses=True)
        elif name == "its limit":
            told += made.expire(1e6)
            proven -= {it.leg for it in told}
        else:
            told += made.event(event(name, uuid), now_s)
            if name in ("RECORD_START", "RECORD_UNMASK"):
                proven.add(uuid)
            if name == "CHANNEL_DESTROY":
                ended.add(uuid)
        live = [it for it in told if it.state != "ended"]
        assert {it.leg for it in live if it.recording == "recording"} <= proven
        assert not {it.leg for it in live} & ended
        assert all(it.no_proof == (it.recording in (None, "unknown")) for it in live)
