"""Calls of a contact centre: who is on them, and what becomes of what was asked."""

import random
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest

from tracker.simulators.vonage_cc import Change, Result, VonageCcOptions
from tracker.simulators.vonage_cc.switch import Switch
from tracker.simulators.vonage_cc.traffic import RandomTraffic

CALLER = "15550100"


class Scene:
    """A switch whose time passes when it is told to."""

    def __init__(self, **options: Any) -> None:
        self.now_s = 0.0
        self.delays: list[float] = []
        self.told = 0
        self._waiting: list[tuple[float, Callable[[], None]]] = []
        options = {"agents": 4, **options}
        self.switch = Switch(VonageCcOptions(**options), self._clock, self._later)
        self.switch.listener = self._listen

    def pass_time(self, seconds: float) -> None:
        """Do what becomes due meanwhile, at its time."""
        end_s = self.now_s + seconds
        while due := [item for item in self._waiting if item[0] <= end_s]:
            first = min(due, key=lambda item: item[0])
            self._waiting.remove(first)
            self.now_s = first[0]
            first[1]()
        self.now_s = end_s

    def _clock(self) -> float:
        return self.now_s

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        self.delays.append(delay_s)
        self._waiting.append((self.now_s + delay_s, action))

    def _listen(self) -> None:
        self.told += 1


@pytest.fixture
def scene() -> Scene:
    return Scene(delay_s=1.0, delay_sigma=0)


def delays(**options: Any) -> list[float]:
    scene = Scene(**options)
    for _ in range(200):
        call = scene.switch.begin_call("10", CALLER)
        scene.switch.accept(call, "Paused")
    return scene.delays


def test_delays_follow_from_the_seed() -> None:
    """The same seed, the same delays; another seed, others."""
    first = delays(seed=7, delay_s=0.4)
    assert delays(seed=7, delay_s=0.4) == first
    assert delays(seed=8, delay_s=0.4) != first
    assert len(set(first)) == len(first)


def test_delays_lie_around_the_median() -> None:
    """Log-normally: always positive, with a long tail; without spread all alike."""
    spread = delays(delay_s=2.0, delay_sigma=0.5)
    assert median(spread) == pytest.approx(2.0, rel=0.2)
    assert 0 < min(spread) < 1
    assert max(spread) > 4
    assert set(delays(delay_s=2.0, delay_sigma=0)) == {2.0}
    assert set(delays(delay_s=0)) == {0.0}


def test_an_accepted_change_takes_its_time(scene: Scene) -> None:
    """Until then the old state stands; the moment of the change is written down."""
    call = scene.switch.begin_call("10", CALLER)
    scene.switch.accept(call, "Paused")
    scene.pass_time(0.9)
    assert (call.recording, scene.switch.changes) == ("Started", [])
    scene.pass_time(0.2)
    assert call.recording == "Paused"
    assert scene.switch.changes == [Change(1.0, call.guid, "Started", "Paused")]


def test_nothing_changes_where_nothing_ever_does() -> None:
    """The option, or the fault: accepted, then never."""
    never, ever = Scene(delay_s="never"), Scene(delay_s=0.0)
    for scene in (never, ever):
        call = scene.switch.begin_call("10", CALLER)
        scene.switch.accept(call, "Paused", never=scene is ever)
        scene.pass_time(1e6)
        assert call.recording == "Started"


def test_the_next_delay_is_for_the_next_change_alone(scene: Scene) -> None:
    """In the order in which they were said; also never."""
    call = scene.switch.begin_call("10", CALLER)
    scene.switch.next_delay(call, 5.0)
    scene.switch.next_delay(call, "never")
    scene.switch.accept(call, "Paused")
    scene.pass_time(4.9)
    assert call.recording == "Started"
    scene.pass_time(0.2)
    assert call.recording == "Paused"
    scene.switch.accept(call, "Started")
    scene.pass_time(100)
    assert call.recording == "Paused"
    scene.switch.accept(call, "Started")
    scene.pass_time(1.1)
    assert call.recording == "Started"


def test_changes_of_a_call_keep_their_order(scene: Scene) -> None:
    """A quick one waits for the slow one before it; other calls don't."""
    call, other = (scene.switch.begin_call(agent, CALLER) for agent in ("10", "11"))
    scene.switch.next_delay(call, 5.0)
    scene.switch.accept(call, "Paused")
    scene.switch.accept(call, "Started")
    scene.switch.accept(other, "Paused")
    scene.pass_time(10)
    made = [(change.at_s, change.guid, change.after) for change in scene.switch.changes]
    assert made == [
        (1.0, other.guid, "Paused"),
        (5.0, call.guid, "Paused"),
        (5.0, call.guid, "Started"),
    ]


@pytest.mark.parametrize("to", ["Stopped", "Started", None])
def test_a_change_may_end_in_another_state(scene: Scene, to: str | None) -> None:
    """Once; the next one does what was asked."""
    call = scene.switch.begin_call("10", CALLER)
    scene.switch.contradict_next(call, to)
    scene.switch.accept(call, "Paused")
    scene.pass_time(1)
    assert call.recording == to
    scene.switch.show(call, "Started")
    scene.switch.accept(call, "Paused")
    scene.pass_time(1)
    assert call.recording == "Paused"


def test_what_was_accepted_comes_to_nothing_on_an_ended_call(scene: Scene) -> None:
    """And on one that is not recorded."""
    ended = scene.switch.begin_call("10", CALLER)
    silent = scene.switch.begin_call("11", CALLER, recorded=False)
    scene.switch.accept(ended, "Paused")
    scene.switch.accept(silent, "Paused")
    scene.switch.end(ended)
    scene.pass_time(10)
    assert (ended.recording, silent.recording) == ("Started", None)
    assert scene.switch.changes == []


def test_agents_change_it_by_themselves(scene: Scene) -> None:
    """At once; the same again is no change."""
    call = scene.switch.begin_call("10", CALLER)
    scene.switch.pause(call)
    scene.switch.pause(call)
    scene.pass_time(3)
    scene.switch.resume(call)
    assert scene.switch.changes == [
        Change(0.0, call.guid, "Started", "Paused"),
        Change(3.0, call.guid, "Paused", "Started"),
    ]


def test_a_call_goes_on_when_its_agent_has_left(scene: Scene) -> None:
    """Recorded as it was; the agent is free, and nobody can pause it."""
    call = scene.switch.begin_call("10", CALLER)
    assert scene.switch.is_busy("10")
    scene.switch.transfer_out(call)
    assert not scene.switch.is_busy("10")
    assert (call.is_over, call.has_agent, call.recording) == (False, False, "Started")
    assert scene.switch.latest["10"] == call.guid
    for leave in (scene.switch.pause, scene.switch.resume, scene.switch.transfer_out):
        with pytest.raises(ValueError, match="not with an agent"):
            leave(call)


def test_nobody_does_anything_with_an_ended_call(scene: Scene) -> None:
    """Nor is there a call of an agent whom nobody knows."""
    call = scene.switch.begin_call("10", CALLER)
    scene.switch.end(call, Result("Failure", "Originator", "NoAnswer"))
    assert call.result == ("Failure", "Originator", "NoAnswer")
    with pytest.raises(ValueError, match="has ended"):
        scene.switch.end(call)
    with pytest.raises(ValueError, match="has ended"):
        scene.switch.show(call, "Paused")
    with pytest.raises(ValueError, match="no agent 99"):
        scene.switch.begin_call("99", CALLER)


def test_everything_that_happens_is_told(scene: Scene) -> None:
    """Beginning, change, status, transfer, end, and that a call is forgotten."""
    call = scene.switch.begin_call("10", CALLER)
    scene.switch.pause(call)
    scene.switch.show_status(call, "OnHold")
    scene.switch.transfer_out(call)
    scene.switch.end(call)
    scene.switch.forget(call)
    assert scene.told == 6
    assert scene.switch.calls == {}


def drive(seed: int, moves: int) -> Scene:
    scene = Scene(seed=seed, agents=10)
    rng = random.Random(seed)  # noqa: S311 repeatable, guards nothing
    traffic = RandomTraffic(scene.switch, rng)
    for _ in range(moves):
        scene.now_s += 0.1
        traffic.move()
    return scene


def test_traffic_follows_from_the_seed() -> None:
    """The same seed, the same calls and changes; another seed, others."""
    first, again, other = drive(3, 300), drive(3, 300), drive(4, 300)
    assert again.switch.changes == first.switch.changes
    assert again.switch.calls.keys() == first.switch.calls.keys()
    assert other.switch.changes != first.switch.changes


def test_traffic_does_everything_and_forgets() -> None:
    """Pauses, resumes, transfers, ends; most agents are busy, old calls are gone."""
    scene = drive(1, 10_000)
    states = {change.after for change in scene.switch.changes}
    assert states == {"Paused", "Started"}
    calls = scene.switch.calls.values()
    assert any(call.agent_id is None for call in calls)
    live = sum(not call.is_over for call in calls)
    assert 1 <= live <= 6
    assert len(calls) == live + 1_000
