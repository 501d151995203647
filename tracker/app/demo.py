"""Everything in one process, against simulated telephony."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import randbits
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from tracker.app.run import OnReady, run
from tracker.domain.placement import ROLES
from tracker.outlets.payload import ServerSettings
from tracker.outlets.webhooks.settings import WebhookSettings
from tracker.providers.genesys.settings import GenesysSettings
from tracker.providers.kazoo.settings import KazooSettings
from tracker.providers.vonage_business.settings import VonageBusinessSettings
from tracker.providers.vonage_cc.settings import FollowedAgent, VonageCcSettings
from tracker.settings import Settings, StoreSettings
from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions
from tracker.simulators.kazoo import KazooOptions, KazooSimulator
from tracker.simulators.vonage_business import (
    VonageBusinessOptions,
    VonageBusinessSimulator,
)
from tracker.simulators.vonage_cc import VonageCcOptions, VonageCcSimulator

ACCOUNT = "demo"

FEW_AGENTS = 8
"""So many fit into the budget that Vonage Contact Center's fair use suggests."""

_SMALL_SHARE = 0.2
_STORED = 40
_ON_DEMAND = 10
_STORED_PER_S = 0.1


async def demo(
    *,
    agents: int,
    rate: float,
    port: int,
    data_dir: Path | None,
    on_ready: OnReady,
) -> None:
    """Run simulators and tracker until cancelled.

    Args:
        agents: How many are simulated on Genesys; at most `FEW_AGENTS` on others.
        rate: Changes per second on their calls.
        port: Of tracker; the simulators take any free one.
        data_dir: Of the store; None = forgotten at the end.
        on_ready: Told once everything works.

    Raises:
        ConfigError: It cannot start, and what to do.
    """
    with TemporaryDirectory(prefix="tracker-demo-") as scratch:
        async with (
            _genesys(agents, rate, Path(scratch)) as genesys,
            _vonage_cc(min(agents, FEW_AGENTS), rate * _SMALL_SHARE) as vonage_cc,
            _vonage_business() as vonage_business,
            _kazoo(min(agents, FEW_AGENTS), rate * _SMALL_SHARE) as kazoo,
        ):
            settings = Settings.model_construct(  # takes nothing of the environment
                server=ServerSettings(port=port),
                store=StoreSettings(data_dir=data_dir or Path(scratch) / "store"),
                webhooks=WebhookSettings(allow_loopback=True),
                genesys=(genesys,),
                vonage_cc=(vonage_cc,),
                vonage_business=(vonage_business,),
                kazoo=(kazoo,),
            )
            await run(settings, frozenset(ROLES), on_ready=on_ready)


@asynccontextmanager
async def _genesys(
    agents: int, rate: float, scratch: Path
) -> AsyncIterator[GenesysSettings]:
    """A Genesys account with moving calls."""
    simulator = GenesysSimulator(SimulatorOptions(agents=agents, seed=randbits(32)))
    file = scratch / "agents.csv"
    simulator.write_agents_file(file)
    async with simulator.serve() as url:
        simulator.start_traffic(transitions_per_s=rate)
        yield GenesysSettings(
            account=ACCOUNT, base_url=url, agents_file=file, expected="always"
        )


@asynccontextmanager
async def _vonage_cc(agents: int, rate: float) -> AsyncIterator[VonageCcSettings]:
    """A Vonage Contact Center account, likewise."""
    options = VonageCcOptions(account=ACCOUNT, agents=agents, seed=randbits(32))
    simulator = VonageCcSimulator(options)
    for number, agent in enumerate(simulator.agents[::2]):
        simulator.begin_call(agent, f"0207946000{number}")
    async with simulator.serve() as url:
        simulator.start_traffic(transitions_per_s=rate)
        yield VonageCcSettings(
            account=ACCOUNT,
            base_url=url,
            client_id=options.client_id,
            client_secret=SecretStr(options.client_secret),
            agents=tuple(FollowedAgent(id=id_) for id_ in simulator.agents),
            expected="always",
        )


@asynccontextmanager
async def _vonage_business() -> AsyncIterator[VonageBusinessSettings]:
    """A Vonage Business account with stored recordings, and ever more of them."""
    options = VonageBusinessOptions(account=ACCOUNT, seed=randbits(32))
    simulator = VonageBusinessSimulator(options)
    simulator.fill(_STORED)
    simulator.fill(_ON_DEMAND, user=options.user)
    async with simulator.serve() as url:
        simulator.start_traffic(_STORED_PER_S)
        yield VonageBusinessSettings(
            account=ACCOUNT,
            base_url=url,
            users=(options.user,),
            client_id=options.client_id,
            client_secret=SecretStr(options.client_secret),
            username=options.username,
            password=SecretStr(options.password),
        )


@asynccontextmanager
async def _kazoo(users: int, rate: float) -> AsyncIterator[KazooSettings]:
    """A Kazoo account whose server tells of recordings, and stores them."""
    options = KazooOptions(
        account=ACCOUNT, users=users, seed=randbits(32), release=5, record_events=True
    )
    simulator = KazooSimulator(options)
    async with simulator.serve() as urls:
        simulator.start_traffic(transitions_per_s=rate)
        yield KazooSettings(
            account=ACCOUNT,
            base_url=urls.base_url,
            websocket_url=urls.websocket_url,
            api_key=SecretStr(options.api_key),
        )
