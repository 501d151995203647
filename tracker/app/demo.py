"""Everything in one process, against simulated telephony."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import randbits
from tempfile import TemporaryDirectory

from tracker.app.run import OnReady, run
from tracker.outlets.payload import ServerSettings
from tracker.providers.genesys.settings import GenesysSettings
from tracker.settings import ROLES, Settings, StoreSettings
from tracker.simulators.genesys import GenesysSimulator, SimulatorOptions

ACCOUNT = "demo"


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
        agents: How many are simulated.
        rate: Changes per second on their calls.
        port: Of tracker; the simulators take any free one.
        data_dir: Of the store; None = forgotten at the end.
        on_ready: Told once everything works.

    Raises:
        ConfigError: It cannot start, and what to do.
    """
    with TemporaryDirectory(prefix="tracker-demo-") as scratch:
        async with _simulated(agents, rate, Path(scratch)) as account:
            settings = Settings(
                server=ServerSettings(port=port),
                store=StoreSettings(data_dir=data_dir or Path(scratch) / "store"),
                genesys=(account,),
            )
            await run(settings, frozenset(ROLES), on_ready=on_ready)


@asynccontextmanager
async def _simulated(
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
