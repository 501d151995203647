"""What kind of GWS is simulated."""

from dataclasses import dataclass
from typing import Literal

Shape = Literal["2013", "2015", "2026"]
"""The year of the capture whose message shape is sent: A3, A2 or A5 of the facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """What kind of GWS is simulated.

    Attributes:
        agents: How many agents there are.
        seed: Ids, numbers and random traffic follow from it.
        teams: Agents belong to them in turn.
        shape: Whose message shape is sent.
        call_id: What a call resource's `id` is: newer servers use the callUuid.
        metrics: Shape 2026 only: messages carry `serverGenerationTimestamp`.
        records: False: no `recordingState`, no recording capability, and
            the four operations answer statusCode 5.
        initial_recording_state: Before a leg's first recording; None: no such key.
        recording_change: A change that a client asked for follows the HTTP answer
            after `recording_delay_s`, or overtakes it by as much.
        csrf: POST needs the token that any GET answers.
        acks: The CometD acknowledge extension is offered.
        timeout_ms: How long an idle connect is held; sent as advice.
        interval_ms: How long clients wait between two connects; sent as advice.
        max_interval_ms: A session without a connect for this long, after the
            interval, is forgotten.
    """

    agents: int = 20
    seed: int = 1
    teams: tuple[str, ...] = ("billing", "sales", "support")
    shape: Shape = "2026"
    call_id: Literal["callUuid", "connId"] = "callUuid"
    metrics: bool = True
    records: bool = True
    initial_recording_state: Literal["Stopped"] | None = "Stopped"
    recording_change: Literal["follows", "overtakes"] = "follows"
    recording_delay_s: float = 0.02
    csrf: bool = False
    acks: bool = True
    timeout_ms: int = 30_000
    interval_ms: int = 0
    max_interval_ms: int = 10_000
