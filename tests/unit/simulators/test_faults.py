"""Faults strike where, whom and as often as they are told."""

import pytest
from pydantic import ValidationError

from tracker.simulators.faults import HTTP_FAULTS, Fault, FaultBoard, FaultKind
from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions

CUT = frozenset({FaultKind.CUT})


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_board_without_faults_is_false() -> None:
    """So that asking it costs nothing."""
    board = FaultBoard()
    assert not board
    board.add(Fault(kind=FaultKind.CUT))
    assert board
    board.clear()
    assert not board


def test_a_fault_strikes_as_often_as_it_counts() -> None:
    """Then it is gone; it says how often it struck."""
    board = FaultBoard()
    armed = board.add(Fault(kind=FaultKind.CUT, count=2))
    assert [bool(board.take(CUT, "/x", None)) for _ in range(3)] == [True, True, False]
    assert armed.fired == 2
    assert not board


def test_a_fault_ends_with_its_time() -> None:
    """Whether it struck or not."""
    clock = Clock()
    board = FaultBoard(clock)
    board.add(Fault(kind=FaultKind.CUT, for_s=3))
    clock.now_s = 2.9
    assert board.take(CUT, "/x", None)
    clock.now_s = 3.0
    assert board.take(CUT, "/x", None) is None
    assert not board


@pytest.mark.parametrize(
    ("path", "agent", "strikes"),
    [
        ("/api/v2/me/calls/1", "agent-0001", True),
        ("/api/v2/me/calls/1", "agent-0002", False),
        ("/api/v2/me/calls/1", None, False),
        ("/api/v2/me", "agent-0001", False),
    ],
)
def test_a_fault_strikes_only_where_it_is_meant(
    path: str, agent: str | None, strikes: bool
) -> None:
    """A shell pattern for the path, an agent by id."""
    board = FaultBoard()
    board.add(Fault(kind=FaultKind.CUT, path="/api/v2/me/calls/*", agent="agent-0001"))
    assert bool(board.take(CUT, path, agent)) is strikes


def test_faults_before_and_after_are_kept_apart() -> None:
    """And so are the kinds."""
    board = FaultBoard()
    board.add(Fault(kind=FaultKind.CUT, after=True))
    assert board.take(CUT, "/x", None) is None
    assert board.take(HTTP_FAULTS - CUT, "/x", None, after=True) is None
    assert board.take(HTTP_FAULTS, "/x", None, after=True)


async def test_a_hang_ends_when_the_board_is_cleared() -> None:
    """Even if the fault is used up by then."""
    board = FaultBoard()
    armed = board.add(Fault(kind=FaultKind.HANG, count=1))
    assert board.take(HTTP_FAULTS, "/x", None) is armed
    assert not board
    board.clear()
    await board.until_over(armed)


def test_a_fault_with_an_unknown_field_is_refused() -> None:
    """A typing error must not become a fault that strikes everybody."""
    with pytest.raises(ValidationError):
        Fault.model_validate({"kind": "cut", "agnet": "agent-0001"})


CALLS = "/v2/me/calls"
A = "agent-0001"


def published(
    simulator: GenesysSimulator, monkeypatch: pytest.MonkeyPatch
) -> list[bytes]:
    """What reaches A's CometD sessions, as it arrives there."""
    messages: list[bytes] = []

    def publish(_owner: str, _channel: str, message: bytes) -> None:
        messages.append(message)

    bayeux = simulator.site.bayeux
    monkeypatch.setattr(bayeux, "publish", publish)
    monkeypatch.setattr(bayeux, "has_subscriber", lambda owner, _channel: owner == A)
    return messages


async def test_messages_are_dropped_and_reordered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A dropped one never comes; a reordered one comes after the next."""
    simulator = GenesysSimulator(SimulatorOptions(agents=2))
    messages = published(simulator, monkeypatch)
    simulator.faults.add(Fault(kind=FaultKind.DROP, path=CALLS, agent=A, count=1))
    simulator.faults.add(Fault(kind=FaultKind.REORDER, path=CALLS, agent=A, count=1))
    call = simulator.switch.dial(A, "agent-0002")
    simulator.switch.answer(call)
    assert messages == []
    simulator.faults.add(Fault(kind=FaultKind.DROP, path="/v2/me/devices"))
    simulator.switch.hold(call, A)
    assert [b'"Held"' in message for message in messages] == [True, False]
    assert b'"Established"' in messages[1]
