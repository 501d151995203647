"""Export jobs: they go on by the clock, or when they are told to."""

import random
import uuid
from collections.abc import Callable, Sequence

from tracker.simulators.vonage_business.model import (
    COMPLETE,
    FAILED,
    IN_PROGRESS,
    Job,
    Recording,
)
from tracker.simulators.vonage_business.options import VonageBusinessOptions


class Jobs:
    """The export jobs of an account.

    Attributes:
        listener: Called after everything that is done to a job.

    Args:
        options: How fast they go on, and how long they last.
        clock: Seconds since 1970.
    """

    def __init__(
        self, options: VonageBusinessOptions, clock: Callable[[], float]
    ) -> None:
        self.listener: Callable[[], None] = lambda: None
        self._options = options
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._rng = random.Random(options.seed)  # noqa: S311 guards nothing

    def begin(self, user: str, recordings: Sequence[Recording]) -> list[Job]:
        """Export them; at least one job begins, even if it has nothing to do."""
        most = self._options.files_per_job or max(1, len(recordings))
        starts = range(0, max(1, len(recordings)), most)
        begun = [self._make(user, recordings[at : at + most]) for at in starts]
        self._jobs.update((job.id, job) for job in begun)
        self.listener()
        return begun

    def get(self, job_id: str) -> Job | None:
        """One of them as it is now, if there is such a one."""
        job = self._jobs.get(job_id)
        if job:
            self._bring_up_to_date(job)
        return job

    def all_of(self, user: str, status: str | None = None) -> list[Job]:
        """A user's as they are now, the newest first; None: of any status."""
        jobs = [job for job in reversed(self._jobs.values()) if job.user == user]
        for job in jobs:
            self._bring_up_to_date(job)
        return [job for job in jobs if status in (None, job.status)]

    def is_ready(self, job: Job) -> bool:
        """Whether it can be downloaded now."""
        until_s = job.valid_until_s
        return (
            job.status == COMPLETE and until_s is not None and self._clock() < until_s
        )

    def advance_job(self, job_id: str, files: int = 1) -> None:
        """Let it do some more files; it is complete when it has done all.

        Raises:
            KeyError: There is no such job.
        """
        job = self._under_way(job_id)
        job.completed = min(len(job.recordings), job.completed + files)
        if job.completed == len(job.recordings):
            self._complete(job, self._clock())
        self.listener()

    def complete_job(self, job_id: str, files: int | None = None) -> None:
        """Let it be complete now; *files*: how many it says that it did."""
        job = self._under_way(job_id)
        job.completed = len(job.recordings) if files is None else files
        self._complete(job, self._clock())
        self.listener()

    def fail_job(self, job_id: str, status: str = FAILED) -> None:
        """Let it end without a result."""
        self._under_way(job_id).status = status
        self.listener()

    def expire_job(self, job_id: str) -> None:
        """Let the result of a completed one be gone; it stays listed."""
        job = self._jobs[job_id]
        self._bring_up_to_date(job)
        if job.status != COMPLETE:
            raise ValueError("the job is not complete")
        job.valid_until_s = self._clock()
        self.listener()

    def forget_job(self, job_id: str) -> None:
        """Know nothing of a job any more."""
        del self._jobs[job_id]
        self.listener()

    def _under_way(self, job_id: str) -> Job:
        job = self._jobs[job_id]
        self._bring_up_to_date(job)
        if job.status != IN_PROGRESS:
            raise ValueError("the job has ended")
        return job

    def _make(self, user: str, recordings: Sequence[Recording]) -> Job:
        names = [
            str(uuid.UUID(int=self._rng.getrandbits(128), version=4)) for _ in "12"
        ]
        return Job(
            id=names[0],
            link_id=names[0] if self._options.links == "zero_based" else names[1],
            user=user,
            recordings=tuple(recordings),
            began_s=self._clock(),
        )

    def _bring_up_to_date(self, job: Job) -> None:
        """Do what it has done by the clock since it was looked at last."""
        file_s = self._options.job_file_s
        if job.status != IN_PROGRESS or file_s == "never":
            return
        total = len(job.recordings)
        ends_s = job.began_s + total * file_s
        if self._clock() >= ends_s:
            job.completed = total
            self._complete(job, ends_s)
        else:
            done = int((self._clock() - job.began_s) / file_s)
            job.completed = max(job.completed, min(total - 1, done))

    def _complete(self, job: Job, at_s: float) -> None:
        job.status = COMPLETE
        job.valid_until_s = at_s + self._options.job_valid_s
