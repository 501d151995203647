"""Exports: bulk downloads that platforms prepare in jobs of their own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from tracker.domain.archive import Archive, ExportSnapshot
from tracker.domain.base import Model
from tracker.domain.reading import Exported
from tracker.errors import StoreUnavailableError
from tracker.outlets.http.archives import (
    PLATFORM_PROBLEMS,
    AccountProblem,
    Shelves,
    all_failed,
    answered,
    audited,
    key_in,
    missing,
    told_by,
)
from tracker.outlets.http.body import BODY_PROBLEMS, parse_body
from tracker.outlets.http.download import DISPOSITION, pass_on
from tracker.outlets.http.operation import Operation, json_answer, json_model
from tracker.outlets.http.paging import page_of
from tracker.outlets.http.query import PageQuery, parse_query
from tracker.outlets.http.which import Name, WantedExport
from tracker.outlets.payload import SERVICES, ProblemError, join_items

log = structlog.get_logger(__name__)

LIST: Final = "/v1/exports"
PATH: Final = f"{LIST}/{{provider}}/{{account}}/{{export_id}}"
_WHOLE: Final = "an export is of whole accounts: this token shows only parts of them"
_UNABLE: Final = "no platform that was chosen prepares bulk downloads"


class ExportQuery(PageQuery):
    """Which exports."""

    provider: Name | None = None
    account: Name | None = None


class DownloadQuery(BaseModel):
    """Which file of an export."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job: Annotated[
        Name | None, Field(description="Its id; not needed where there is one.")
    ] = None


class ExportPage(Model):
    """Exports by key.

    Attributes:
        next: The next page's address, relative to this one's.
        problems: Accounts whose exports are missing.
    """

    items: tuple[ExportSnapshot, ...]
    next: str | None
    problems: tuple[AccountProblem, ...]


async def post_export(request: web.Request) -> web.Response:
    """Have everything that matches prepared, by every account's own platform."""
    shelves, wanted = Shelves(request), await parse_body(WantedExport, request)
    if not shelves.whole:
        raise ProblemError(403, _WHOLE)
    chosen = shelves.chosen(wanted.provider, wanted.account)
    if not chosen:
        raise ProblemError(404, "no such account")
    able = [archive for archive in chosen if archive.exports]
    if not able:
        raise ProblemError(409, _UNABLE)
    query = wanted.query()

    async def export(archive: Archive) -> Sequence[ExportSnapshot]:
        with audited(request, "export", archive.key) as done:
            async with answered(changes=True):
                made = (await archive.export(query)).but(filters=query)
            done.outcome = f"asked for as {made.key}"
        await _follow(request, made)
        return [made]

    found, problems = await _each(able, export)
    if not found:
        raise all_failed(problems.values())
    return _page(found, None, problems, 202)


async def _follow(request: web.Request, export: ExportSnapshot) -> None:
    """Have its progress announced; it is under way all the same."""
    try:
        await request.app[SERVICES].requests.put(Exported(export=export, asked=True))
    except StoreUnavailableError as error:
        log.warning("export_not_followed", export=export.key, error=str(error))


async def list_exports(request: web.Request) -> web.Response:
    """The exports that the platforms still know."""
    shelves, wanted = Shelves(request), parse_query(ExportQuery, request.query)
    chosen = shelves.chosen(wanted.provider, wanted.account)

    async def known(archive: Archive) -> Sequence[ExportSnapshot]:
        async with answered():
            return await archive.export_jobs()

    able = [archive for archive in chosen if archive.exports and shelves.whole]
    found, problems = await _each(able, known)
    if able and len(problems) == len(able):
        raise all_failed(problems.values())
    page, following = page_of(request, found, wanted, lambda export: export.key)
    return _page(page, following, problems)


async def get_export(request: web.Request) -> web.Response:
    """One export as it stands."""
    key = key_in(request, "export_id")
    archive = _archive(request, key)
    async with answered():
        return json_model(await archive.export_job(key))


async def get_download(request: web.Request) -> web.StreamResponse:
    """The file of a completed export, as it comes from the platform."""
    key = key_in(request, "export_id")
    wanted = parse_query(DownloadQuery, request.query)
    with audited(request, "export download", key) as done:
        archive = _archive(request, key)
        file, name = archive.download(key, wanted.job), request.match_info["export_id"]
        return await pass_on(request, file, name, done)


def _archive(request: web.Request, key: str) -> Archive:
    """Where the export is, which nobody sees who sees only parts of an account."""
    shelves = Shelves(request)
    archive = shelves.of(key)
    if not shelves.whole or not archive.exports:
        raise ProblemError(404, "the platform has no such thing")
    return archive


async def _each(
    archives: Sequence[Archive],
    ask: Callable[[Archive], Awaitable[Sequence[ExportSnapshot]]],
) -> tuple[list[ExportSnapshot], dict[str, ProblemError]]:
    """What all have, by key; and why some had no answer."""
    problems: dict[str, ProblemError] = {}

    async def one(archive: Archive) -> Sequence[ExportSnapshot]:
        try:
            return await ask(archive)
        except ProblemError as error:
            problems[archive.key] = error
            return []

    found = await asyncio.gather(*(one(archive) for archive in archives))
    return sorted((e for part in found for e in part), key=lambda e: e.key), problems


def _page(
    page: Sequence[ExportSnapshot],
    following: str | None,
    problems: dict[str, ProblemError],
    status: int = 200,
) -> web.Response:
    told = [one.model_dump() for one in missing(problems)]
    items = (told_by(export) for export in page)
    return json_answer(join_items(items, next=following, problems=told), status)


OPERATIONS: Final = (
    Operation(
        LIST,
        list_exports,
        "Bulk downloads that platforms prepare",
        ExportPage,
        query=ExportQuery,
        problems=(400, 404, 502, 504),
        scope="recordings:read",
    ),
    Operation(
        LIST,
        post_export,
        "Have recordings prepared for a bulk download",
        ExportPage,
        problems=(*PLATFORM_PROBLEMS, *BODY_PROBLEMS),
        scope="recordings:read",
        method="POST",
        body=WantedExport,
        statuses=(202,),
    ),
    Operation(
        PATH,
        get_export,
        "One export",
        ExportSnapshot,
        problems=PLATFORM_PROBLEMS,
        scope="recordings:read",
    ),
    Operation(
        f"{PATH}/download",
        get_download,
        "The file of a completed export",
        None,
        query=DownloadQuery,
        content_type="*/*",
        problems=(400, *PLATFORM_PROBLEMS),
        scope="recordings:read",
        tells=(DISPOSITION,),
    ),
)
