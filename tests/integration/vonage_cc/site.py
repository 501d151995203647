"""A simulated contact centre, and an account of tracker's there."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from tests.contract.observer import Observer, observing
from tracker.domain.key import make_key
from tracker.domain.reading import Observation
from tracker.domain.terms import Action
from tracker.providers.vonage_cc.client import VonageCcClient
from tracker.providers.vonage_cc.connection import Connection
from tracker.providers.vonage_cc.settings import VonageCcSettings
from tracker.providers.vonage_cc.source import PollingSource, VonageCcAccount
from tracker.simulators.faults import Fault, FaultKind
from tracker.simulators.vonage_cc import Call, VonageCcOptions, VonageCcSimulator

CALLER = "15551234567"


class Site:
    """The simulator, the account and its source.

    Attributes:
        connection: The account's.
        client: Beside the source's own, with the same connection.
    """

    def __init__(self, simulator: VonageCcSimulator, connection: Connection) -> None:
        self.simulator = simulator
        self.connection = connection
        self.client = VonageCcClient(connection)
        self.account = VonageCcAccount(connection)

    @property
    def source(self) -> PollingSource:
        (source,) = self.account.sources().values()
        return source

    def begin_call(self) -> tuple[Call, str]:
        """A recorded call, and its key."""
        call = self.simulator.begin_call(self.simulator.agents[0], CALLER)
        return call, self.key(call.guid)

    def key(self, guid: str) -> str:
        return make_key("vonage_cc", self.simulator.options.account, guid)

    def fail(
        self,
        status: int,
        path: str = "*",
        count: int | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        """Answer with a status instead."""
        self.simulator.faults.add(
            Fault(
                kind=FaultKind.STATUS,
                status=status,
                path=path,
                count=count,
                retry_after_s=retry_after_s,
            )
        )

    def asked(self, method: str, part: str) -> int:
        """How many such requests came."""
        return sum(
            request.method == method and part in request.path
            for request in self.simulator.requests
        )

    async def command(self, call: Call, action: Action, **options: str) -> None:
        """Ask as the framework does."""
        async with self.source.commanding(datetime.now(UTC)) as ask:
            await ask(call.guid, action, options)

    @asynccontextmanager
    async def observed(self) -> AsyncIterator[Observer]:
        """What the source says, from its first full read on."""
        async with observing(self.source) as observer:
            await observer.until(lambda: observer.checkpoints or observer.locked)
            yield observer


def shown(observer: Observer, call: str) -> list[Observation]:
    """All that was said of a call."""
    readings = observer.readings
    return [r for r in readings if isinstance(r, Observation) and r.call == call]


@asynccontextmanager
async def site(
    options: VonageCcOptions | None = None, **fields: object
) -> AsyncIterator[Site]:
    """With a client that polls often, and follows the first agent."""
    async with AsyncExitStack() as stack:
        simulator = VonageCcSimulator(options or VonageCcOptions(agents=2, delay_s=0.1))
        url = await stack.enter_async_context(simulator.serve())
        told: dict[str, object] = {
            "account": simulator.options.account,
            "base_url": url,
            "client_id": simulator.options.client_id,
            "client_secret": simulator.options.client_secret,
            "agents": [{"id": simulator.agents[0]}],
            "requests_per_s": 100,
            "poll_interval_s": 0.05,
            "agents_interval_s": 0.05,
            "request_timeout_s": 1,
        }
        settings = VonageCcSettings.model_validate({**told, **fields})
        connection = await stack.enter_async_context(Connection(settings))
        yield Site(simulator, connection)
