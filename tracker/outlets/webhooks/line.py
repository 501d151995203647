"""One endpoint, as one process serves it: what is due, how fast, when not at all."""

import asyncio
from typing import NamedTuple, cast

from tracker.domain.delivery import Owed
from tracker.outlets.endpoint import Endpoint
from tracker.outlets.webhooks.attempts import Attempts, Means
from tracker.outlets.webhooks.backlog import Backlog
from tracker.outlets.webhooks.schedule import Breaker


class Job(NamedTuple):
    """An attempt that may begin, and has its slot.

    Attributes:
        line: Of its endpoint.
        probe: That endpoint's breaker is open.
    """

    line: "Line"
    partition: int
    backlog: Backlog
    owed: Owed
    probe: bool


class Line:
    """Says which attempt begins when.

    Args:
        endpoint: As it is now; later by `update`.
        means: What it works with.
    """

    def __init__(self, endpoint: Endpoint, means: Means) -> None:
        self._means = means
        self.attempts = Attempts(endpoint, means)
        self._backlogs: dict[int, Backlog] = {}
        self._numbers: list[int] = []
        self._turn = 0
        self._under_way: dict[asyncio.Task[None], int] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._wait_s: float | None = None
        self._ending = False
        self._gap_s = _gap_s(endpoint, 1)
        self._next_s = 0.0

    @property
    def backlogs(self) -> list[Backlog]:
        """Of the partitions that this process serves."""
        return list(self._backlogs.values())

    @property
    def breaker(self) -> Breaker:
        """The endpoint's."""
        return self.attempts.breaker

    def update(self, endpoint: Endpoint, *, processes: int, failing: bool) -> None:
        """The endpoint as it is now, and how many processes share its rate."""
        self.attempts.failing = failing
        gap_s = _gap_s(endpoint, processes)
        if gap_s != self._gap_s:
            self._gap_s = gap_s
            self._next_s = min(self._next_s, self._means.clock.now_s() + gap_s)
            self.wake()
        if endpoint != self.attempts.endpoint:
            self.attempts.endpoint = endpoint
            self.wake()

    def attach(self, partition: int, backlog: Backlog) -> None:
        """Serve *partition* as well; the same again changes nothing."""
        if self._backlogs.get(partition) is not backlog:
            self._backlogs[partition] = backlog
            self._numbers = list(self._backlogs)
            backlog.on_saved = self.turn
            self.wake()

    async def detach(self, partition: int, grace_s: float) -> None:
        """Serve it no more; what is under way may end within *grace_s*."""
        self._backlogs.pop(partition, None)
        self._numbers = list(self._backlogs)
        tasks = {t for t, number in self._under_way.items() if number == partition}
        if tasks:
            self._leaving |= tasks
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
            self._leaving -= tasks

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def turn(self) -> None:
        """Begin what may begin now; when more may later, `run` has to know."""
        if not self._ending:
            self._begin()
            if self._wait_s is not None:
                self.wake()

    async def run(self) -> None:
        """Serve, until cancelled."""
        try:
            while True:
                self._wake.clear()
                self._begin()
                await self._means.clock.sleep(self._wait_s, self._wake)
        finally:
            self._ending = True
            self._means.slots.leave(self)
            tasks = list(self._under_way)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self) -> None:
        """Begin what may begin."""
        while (job := self.next()) is not None:
            task = asyncio.create_task(self._work(job))
            self._under_way[task] = job.partition
            task.add_done_callback(self._never_begun)

    def _never_begun(self, task: asyncio.Task[None]) -> None:
        """Give back what a task had that was cancelled before its first step."""
        if task in self._under_way:
            self.ended(task)
            self._means.slots.give()

    async def _work(self, job: Job | None) -> None:
        """Make an attempt, and the next one in its place, whosever turn it is."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        while job is not None:
            line = job.line
            try:
                await line.attempts.make(job.backlog, job.owed, probe=job.probe)
            except BaseException:
                line.ended(task)
                self._means.slots.give()
                raise
            if line.ended(task):
                self._means.slots.give()
                return
            job = self._means.slots.exchange(line)
            if job is not None:
                job.line.begun(task, job.partition)
            line.turn()

    def begun(self, task: asyncio.Task[None], partition: int) -> None:
        """An attempt is under way in *task*."""
        self._under_way[task] = partition

    def ended(self, task: asyncio.Task[None]) -> bool:
        """It is no more; True = and *task* is waited for."""
        del self._under_way[task]
        return self._ending or task in self._leaving

    def next(self) -> Job | None:
        """What may begin now; else None, and `_wait_s` says when something may."""
        self._wait_s = None
        if (
            len(self._under_way) >= self._means.settings.concurrency
            or self.attempts.endpoint.disabled is not None
        ):
            return None
        now_s = self._means.clock.now_s()
        if not self.breaker.admits(now_s):
            probe_at_s = self.breaker.probe_at_s
            self._wait_s = None if probe_at_s is None else probe_at_s - now_s
            return None
        until_s = max(self.attempts.paused_until_s, self._next_s)
        if until_s > now_s:
            self._wait_s = until_s - now_s
            return None
        return self._take(now_s) if self._means.slots.has_one(self) else None

    def _take(self, now_s: float) -> Job | None:
        """The next one that is due, of each partition in its turn."""
        numbers, now_ms = self._numbers, round(now_s * 1000)
        for step in range(len(numbers)):
            number = numbers[(self._turn + step) % len(numbers)]
            backlog = self._backlogs[number]
            owed = None if backlog.is_full else backlog.lanes.take(now_ms)
            if owed is not None:
                self._turn += step + 1
                self._means.slots.take()
                if self._gap_s:
                    self._next_s = max(self._next_s, now_s - 1) + self._gap_s
                return Job(self, number, backlog, owed, self.breaker.begin())
        self._wait_s = self._until_due_s(now_s)
        return None

    def _until_due_s(self, now_s: float) -> float | None:
        first_ms = min(
            (
                due_ms
                for backlog in self._backlogs.values()
                if not backlog.is_full
                and (due_ms := backlog.lanes.next_due_ms()) is not None
            ),
            default=None,
        )
        return None if first_ms is None else first_ms / 1000 - now_s


def _gap_s(endpoint: Endpoint, processes: int) -> float:
    """Between two attempts of one of *processes*, on average."""
    rate = endpoint.rate_per_s
    return 0.0 if rate is None else max(1, processes) / rate
