"""A simulated site with tracker in this process, and a desk that watches it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.subscriber import Subscriber, subscriber
from tests.integration.system import Section, running_tracker, write_config
from tracker.domain.key import make_key
from tracker.simulators.genesys import Agent, Call, GenesysSimulator, RecordingState

_STATES = {
    RecordingState.RECORDING: "recording",
    RecordingState.PAUSED: "paused",
    RecordingState.STOPPED: "stopped",
    None: "unknown",
}


@dataclass(frozen=True, slots=True)
class Site:
    """A simulated Genesys and what tracker makes of it.

    Attributes:
        url: Where tracker serves.
        desk: A subscriber to everything.
    """

    simulator: GenesysSimulator
    url: str
    desk: Subscriber


@asynccontextmanager
async def watched(
    simulator: GenesysSimulator, directory: Path, **sections: Section
) -> AsyncIterator[Site]:
    """Serve *simulator*, and have every agent's source up."""
    simulator.write_agents_file(directory / "agents.csv")
    async with simulator.serve() as base_url:
        account = {"base_url": base_url, "agents_file": "agents.csv"}
        config = write_config(directory, account, None, **sections)
        async with running_tracker(config) as url, subscriber(url) as desk:
            await desk.until_up(*map(source_key, simulator.agents))
            yield Site(simulator, url, desk)


def call_key(call: Call) -> str:
    """As tracker names it."""
    return make_key("genesys", "acme", call.uuid)


def source_key(agent: Agent) -> str:
    """As tracker names it."""
    return make_key("genesys", "acme", agent.id)


def recorded_calls(simulator: GenesysSimulator) -> list[Call]:
    """Somebody outside talks to every agent, and all of them are recorded."""
    switch, calls = simulator.switch, []
    for number, agent in enumerate(simulator.agents):
        call = switch.dial_in(f"1555000{number:04}", agent.id)
        switch.answer(call)
        switch.start_recording(call, agent.id)
        calls.append(call)
    return calls


def change(simulator: GenesysSimulator, call: Call) -> None:
    """Pause the recording, or resume it."""
    agent = call.legs[0].agent.id
    if not simulator.switch.pause_recording(call, agent):
        simulator.switch.resume_recording(call, agent)


def shows(desk: Subscriber, calls: Sequence[Call]) -> bool:
    """The desk has every call in the state that its first leg is in."""
    return all(
        call_key(call) in desk.calls
        and desk.calls[call_key(call)]["recording"]["state"]
        == _STATES.get(call.legs[0].recording)
        for call in calls
    )
