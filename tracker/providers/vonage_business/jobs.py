"""Export jobs at Vonage Business: begun, listed, looked for."""

from typing import Final

from tracker.domain.archive import MediaQuery
from tracker.errors import NotFoundError, ProviderUnavailableError
from tracker.providers.vonage_business.client import VonageBusinessClient
from tracker.providers.vonage_business.normalise import OwnedJob
from tracker.providers.vonage_business.places import SELF, Place, Shelf, is_id
from tracker.providers.vonage_business.query import bounds, filters
from tracker.providers.vonage_business.wire import (
    Job,
    ListedJobs,
    parse_job,
    parse_job_ids,
    parse_jobs,
)
from tracker.providers.wire import Garbled

_PAGE: Final = 100
_MOST_PAGES: Final = 1_000


class Jobs:
    """Of one account.

    A user's are found under that user, the company's under whoever asked for them: the
    user who logs in, it is assumed, or else one of those of the settings.
    """

    def __init__(self, client: VonageBusinessClient) -> None:
        self._client = client

    async def begin(self, query: MediaQuery, shelf: Shelf) -> list[OwnedJob]:
        """Have a shelf's part of *query* exported; raises as the client does."""
        asked = filters(query, shelf) | bounds(query.from_at, query.to_at)
        answer = await self._client.post(f"{shelf.path}/export", "an export", asked)
        ids = parse_job_ids(answer)
        if isinstance(ids, Garbled):
            raise self._odd(ids)
        return [OwnedJob(Place(shelf, each), Job(id=each)) for each in ids]

    async def find(self, place: Place) -> OwnedJob:
        """Read a job, wherever it may be.

        Raises:
            NotFoundError: It is nowhere.
        """
        for owner in self._owners(place.shelf):
            try:
                answer = await self._client.get(_path(owner, place.id), "a job")
            except NotFoundError:
                continue
            job = parse_job(answer)
            if isinstance(job, Garbled):
                raise self._odd(job)
            return OwnedJob(place, job.model_copy(update={"id": place.id}))
        msg = f"{self._client.settings.account}: there is no such job"
        raise NotFoundError(msg)

    async def all(self) -> list[OwnedJob]:
        """Read all, each once: the users', and then what else the asker has."""
        found: dict[str, OwnedJob] = {}
        for shelf in (*map(Shelf, self._client.settings.users), Shelf()):
            for job in await self._listed(shelf):
                if is_id(job.id):
                    found.setdefault(job.id, OwnedJob(Place(shelf, job.id), job))
        return list(found.values())

    async def _listed(self, shelf: Shelf) -> list[Job]:
        owner, found = shelf.user or SELF, dict[str, Job]()
        for number in range(1, _MOST_PAGES):
            listed = await self._page(owner, number)
            found |= {job.id: job for job in listed.items}
            pages = listed.counts.total_pages
            full = listed.counts.page_size or _PAGE
            is_last = len(listed.items) < full if pages is None else number >= pages
            if is_last or not listed.items:
                break
        return list(found.values())

    async def _page(self, owner: str, number: int) -> ListedJobs:
        asked: dict[str, str | int] = {"page": number, "page_size": _PAGE}
        try:
            answer = await self._client.get(_path(owner), "jobs", asked)
        except NotFoundError:
            self._client.note("user unknown", owner)
            return ListedJobs()
        listed = parse_jobs(answer)
        if isinstance(listed, Garbled):
            raise self._odd(listed)
        return listed

    def _owners(self, shelf: Shelf) -> list[str]:
        if shelf.user is not None:
            return [shelf.user]
        users = self._client.settings.users
        return [SELF, *(user for user in users if user != SELF)]

    def _odd(self, garbled: Garbled) -> ProviderUnavailableError:
        msg = f"{self._client.settings.account}: {garbled.kind}: {garbled.shape}"
        return ProviderUnavailableError(msg)


def _path(owner: str, job: str = "") -> str:
    return f"{Shelf(owner).path}/jobs{f'/{job}' if job else ''}"
