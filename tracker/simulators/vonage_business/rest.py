"""What is answered to whoever has a token, without HTTP."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TypeVar

from tracker.simulators.reply import Json, Reply
from tracker.simulators.vonage_business.archive import Archive
from tracker.simulators.vonage_business.jobs import Jobs
from tracker.simulators.vonage_business.listing import (
    parse_filter,
    parse_order,
    parse_page,
)
from tracker.simulators.vonage_business.model import Job, Recording
from tracker.simulators.vonage_business.options import VonageBusinessOptions
from tracker.simulators.vonage_business.paths import Place
from tracker.simulators.vonage_business.shelf import Shelf
from tracker.simulators.vonage_business.wire import RefusedError, Wire

_SELF = "self"

Query = Mapping[str, str]
Asked = TypeVar("Asked")
Meant = TypeVar("Meant")


class Rest:
    """The resources of one account.

    Everything may raise `RefusedError`: a filter cannot be read (400), it is not the
    asker's business (403), it is not there (404).
    """

    def __init__(
        self, options: VonageBusinessOptions, archive: Archive, jobs: Jobs, wire: Wire
    ) -> None:
        self._options = options
        self._archive = archive
        self._jobs = jobs
        self._wire = wire

    def recordings(self, place: Place, query: Query) -> Reply:
        """A page of recordings."""
        user = self._owner(place)
        asked, order = _read(parse_filter, query), _read(parse_order, query)
        page = _read(lambda it: parse_page(it, self._options.most_per_page), query)
        found, total = self._archive.shelves[user].find(asked, order, page)
        return Reply(
            HTTPStatus.OK, self._wire.recordings_page(user, found, page, total)
        )

    def recording(self, place: Place) -> Reply:
        """One recording."""
        recording = self._shelf(place).get(_number(place.name))
        if recording is None:
            raise RefusedError(HTTPStatus.NOT_FOUND)
        return Reply(HTTPStatus.OK, self._wire.recording(recording))

    def delete(self, place: Place) -> Reply:
        """Delete one, document and audio."""
        shelf, number = self._shelf(place), _number(place.name)
        if shelf.get(number) is None:
            raise RefusedError(HTTPStatus.NOT_FOUND)
        self._archive.delete_recording(number)
        return Reply(HTTPStatus.NO_CONTENT)

    def export(self, place: Place, body: bytes) -> Reply:
        """Begin to export recordings.

        A company's jobs are found under who asked, a user's under that user.
        """
        shelf = self._shelf(place)
        asked = _read(lambda it: parse_filter(_object(it)), body)
        owner = self._owner(place) or self._options.user
        begun = self._jobs.begin(owner, shelf.select(asked))
        return Reply(HTTPStatus.ACCEPTED, {"job_ids": [job.id for job in begun]})

    def jobs(self, place: Place, query: Query) -> Reply:
        """A page of a user's jobs."""
        owner = self._user(place)
        page = _read(lambda it: parse_page(it, self._options.most_per_page), query)
        jobs = self._jobs.all_of(owner, query.get("status"))
        return Reply(HTTPStatus.OK, self._wire.jobs_page(owner, jobs, page))

    def job(self, place: Place) -> Reply:
        """One job."""
        owner, job = self._user(place), self._jobs.get(place.name)
        if job is None or job.user != owner:
            raise RefusedError(HTTPStatus.NOT_FOUND)
        return Reply(HTTPStatus.OK, self._wire.job(job))

    def audio(self, place: Place) -> Recording:
        """The recording whose audio is asked for."""
        recording = self._archive.get(_number(place.name))
        if recording is None or not recording.has_audio:
            raise RefusedError(HTTPStatus.NOT_FOUND)
        if recording.user != self._options.user:
            self._require_admin()
        return recording

    def result(self, query: Query) -> Job:
        """The job whose zip is asked for; either spelling of the documents will do."""
        job = self._jobs.get(query.get("jobId") or query.get("job_id") or "")
        if job is None or not self._jobs.is_ready(job):
            raise RefusedError(HTTPStatus.NOT_FOUND)
        if job.user != self._options.user:
            self._require_admin()
        return job

    def _shelf(self, place: Place) -> Shelf:
        return self._archive.shelves[self._owner(place)]

    def _user(self, place: Place) -> str:
        owner = self._owner(place)
        if owner is None:
            raise RefusedError(HTTPStatus.NOT_FOUND)
        return owner

    def _owner(self, place: Place) -> str | None:
        """The user whom a place is about; None: the company."""
        if place.account not in (_SELF, self._options.account):
            raise RefusedError(HTTPStatus.FORBIDDEN)
        owner = self._options.user if place.user == _SELF else place.user
        if owner != self._options.user:
            self._require_admin()
        if owner not in self._archive.shelves:
            raise RefusedError(HTTPStatus.NOT_FOUND)
        return owner

    def _require_admin(self) -> None:
        if not self._options.is_admin:
            raise RefusedError(HTTPStatus.FORBIDDEN)


def _read(parse: Callable[[Asked], Meant], asked: Asked) -> Meant:
    try:
        return parse(asked)
    except ValueError as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST) from error


def _number(name: str) -> int:
    if not name.isdecimal():
        raise RefusedError(HTTPStatus.NOT_FOUND)
    return int(name)


def _object(body: bytes) -> Json:
    asked = json.loads(body or b"{}")
    if not isinstance(asked, dict):
        raise ValueError("the body is no object")  # noqa: TRY004 it is what was sent
    return asked
