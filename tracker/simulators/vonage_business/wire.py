"""What the simulated service says, in the shapes of the documents."""

import zlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from tracker.simulators.reply import Json, Reply
from tracker.simulators.vonage_business.listing import Page, to_date
from tracker.simulators.vonage_business.model import COMPLETE, Job, Recording
from tracker.simulators.vonage_business.options import VonageBusinessOptions
from tracker.simulators.vonage_business.paths import BASE_PATH

_LINKS = ("first", "prev", "self", "next", "last")

_ERROR_BODIES: dict[int, Json] = {
    HTTPStatus.BAD_REQUEST: {"code": 400, "message": "Invalid request parameters"},
    HTTPStatus.UNAUTHORIZED: {"code": 401, "message": "Unauthorized"},
    HTTPStatus.FORBIDDEN: {"code": 403, "message": "Forbidden"},
    HTTPStatus.NOT_FOUND: {"code": 401, "message": "No matching resource found"},
}
"""The documents of a sister API have the code 401 with the status 404."""


class RefusedError(Exception):
    """A request is answered with a status and nothing else."""

    def __init__(self, status: int) -> None:
        super().__init__(int(status))
        self.status = status


class Wire:
    """Says it for one account.

    Attributes:
        base_url: What the links begin with, without a slash at the end.
    """

    def __init__(self, options: VonageBusinessOptions) -> None:
        self.base_url = ""
        self._options = options

    def recording(self, recording: Recording, *, listed: bool = False) -> Json:
        """A recording.

        As in the documents' examples, lists say of on-demand recordings that they
        were the company's, and details say nothing of their rules.
        """
        owner = None if listed else recording.user
        link = f"{self.recordings_path(owner)}/{recording.id}"
        rules: list[Any] = [{}] if owner else list(recording.rule_ids)
        return {
            "_links": {"self": {"href": self._url(link)}},
            "call_direction": recording.call_direction,
            "call_id": recording.call_id,
            "caller_id": self._caller_id(recording),
            "cnam": recording.cnam,
            "dnis": recording.dnis,
            "download_url": self._url(f"/audio/recording/{recording.id}"),
            "duration": recording.duration_ms,
            "end": to_date(recording.end_s),
            "extensions": self._extensions(recording),
            "file_name": recording.file_name,
            "file_size_in_bytes": recording.size_bytes,
            "id": recording.id,
            "rule_ids": rules,
            "start": to_date(recording.start_s),
        }

    def job(self, job: Job) -> Json:
        """A job; where its result is, and how long, only when there is one."""
        path = f"{self.recordings_path(job.user)}/jobs/{job.link_id}"
        said: Json = {"_links": {"self": {"href": self._url(path)}}}
        if job.status == COMPLETE:
            said["download_url"] = self._url(f"/bulkDownload/retrieve?jobId={job.id}")
        said |= {
            "files_completed": job.completed,
            "files_total": len(job.recordings),
            "id": job.id,
            "status": job.status,
        }
        if job.valid_until_s is not None:
            said["valid_until"] = to_date(job.valid_until_s)
        return said

    def recordings_page(
        self, user: str | None, found: Sequence[Recording], page: Page, total: int
    ) -> Json:
        """A page of recordings."""
        said = [self.recording(recording, listed=True) for recording in found]
        links = self._links(self.recordings_path(user), page, total)
        return _page({"recordings": said}, links, page, total)

    def jobs_page(self, user: str, jobs: Sequence[Job], page: Page) -> Json:
        """A page of all these jobs."""
        begin, end = page.bounds(len(jobs))
        said = [self.job(job) for job in jobs[begin:end]]
        links = self._links(f"{self.recordings_path(user)}/jobs", page, len(jobs))
        return _page({"jobs": said}, links, page, len(jobs))

    def refusal(self, status: int) -> Reply:
        """Why nothing is said."""
        return Reply(
            status, _ERROR_BODIES.get(status) if self._options.error_bodies else None
        )

    def recordings_path(self, user: str | None) -> str:
        """Where the company's recordings are, or a user's."""
        account = f"/accounts/{self._options.account}"
        if user is None:
            return f"{account}/company_call_recordings"
        return f"{account}/users/{user}/call_recordings"

    def _url(self, path: str) -> str:
        return self.base_url + BASE_PATH + path

    def _links(self, path: str, page: Page, total: int) -> Json:
        """All five on every page, as printed."""
        numbers: Sequence[int] = range(len(_LINKS))
        if self._options.links == "zero_based":
            last = max(0, _pages(page, total) - 1)
            wanted = (0, page.number - 2, page.number - 1, page.number, last)
            numbers = [min(last, max(0, number)) for number in wanted]
        urls = [self._url(f"{path}?page={number}") for number in numbers]
        return {name: {"href": url} for name, url in zip(_LINKS, urls, strict=True)}

    def _caller_id(self, recording: Recording) -> str | int:
        as_number = self._writes_numbers(recording, "caller_id")
        return _number(recording.caller_id) if as_number else recording.caller_id

    def _extensions(self, recording: Recording) -> list[str | int]:
        if self._writes_numbers(recording, "extensions"):
            return [_number(extension) for extension in recording.extensions]
        return list(recording.extensions)

    def _writes_numbers(self, recording: Recording, key: str) -> bool:
        if self._options.types != "seeded":
            return self._options.types == "examples"
        drawn = zlib.crc32(f"{self._options.seed}/{recording.id}/{key}".encode())
        return bool(drawn & 1)


def _page(embedded: Json, links: Json, page: Page, total: int) -> Json:
    return {
        "_embedded": embedded,
        "_links": links,
        "page": page.number,
        "page_size": page.size,
        "total_items": total,
        "total_pages": _pages(page, total),
    }


def _pages(page: Page, total: int) -> int:
    return -(-total // page.size)


def _number(text: str) -> str | int:
    """As a number, if it is the same written so."""
    return int(text) if text.isdecimal() and str(int(text)) == text else text
