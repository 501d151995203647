"""Stored recordings: listed over all accounts, shown, deleted, listened to."""

from typing import Final

import structlog
from aiohttp import web

from tracker.domain.archive import Deleted, MediaSnapshot
from tracker.domain.base import Model
from tracker.domain.reading import Media, Saved
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
from tracker.outlets.http.download import (
    CONTENT_RANGE,
    DISPOSITION,
    RANGE,
    pass_on,
    wanted_part,
)
from tracker.outlets.http.listing import Listing
from tracker.outlets.http.operation import Operation, json_answer, json_model
from tracker.outlets.http.query import parse_query
from tracker.outlets.http.which import RecordingQuery
from tracker.outlets.payload import SERVICES, join_items

log = structlog.get_logger(__name__)

LIST: Final = "/v1/recordings"
PATH: Final = f"{LIST}/{{provider}}/{{account}}/{{recording_id}}"


class RecordingPage(Model):
    """Recordings of all accounts in the order asked for.

    Attributes:
        next: The next page's address, relative to this one's.
        problems: Accounts whose recordings are missing here, or from here on.
    """

    items: tuple[MediaSnapshot, ...]
    next: str | None
    problems: tuple[AccountProblem, ...]


async def list_recordings(request: web.Request) -> web.Response:
    """What the platforms have stored."""
    wanted, shelves = parse_query(RecordingQuery, request.query), Shelves(request)
    archives = shelves.chosen(wanted.provider, wanted.account)
    seal = request.app[SERVICES].seal
    listing = Listing(archives, wanted.query(), wanted.after, seal)
    part = await listing.page(wanted.limit, shelves.sees)
    if part.problems and not part.items and part.after is None:
        raise all_failed(part.problems.values())
    following = part.after and str(request.rel_url.update_query(after=part.after))
    items = (told_by(item) for item in part.items)
    problems = [one.model_dump() for one in missing(part.problems)]
    return json_answer(join_items(items, next=following, problems=problems))


async def get_recording(request: web.Request) -> web.Response:
    """One recording."""
    return json_model(await Shelves(request).recording(key_in(request, "recording_id")))


async def delete_recording(request: web.Request) -> web.Response:
    """Delete one at its platform, and tell what became of its audio."""
    key = key_in(request, "recording_id")
    with audited(request, "delete", key) as done:
        shelves = Shelves(request)
        media = await shelves.recording(key)
        async with answered(changes=True):
            fate = await shelves.of(key).delete(key)
        done.outcome = f"document {fate.document}, audio {fate.audio}"
    if fate.document == "deleted":
        await _tell_gone(request, media)
    return json_model(fate)


async def _tell_gone(request: web.Request, media: MediaSnapshot) -> None:
    """Have it announced, and its call forget it; it is gone all the same."""
    requests = request.app[SERVICES].requests
    try:
        await requests.put(Saved(media=media, gone=True))
        if media.call_key is not None:
            await requests.put(Media(call=media.call_key, media=media.key, gone=True))
    except StoreUnavailableError as error:
        log.warning("deletion_not_told", media=media.key, error=str(error))


async def get_audio(request: web.Request) -> web.StreamResponse:
    """The audio of one, or a part of it, as it comes from the platform."""
    key = key_in(request, "recording_id")
    with audited(request, "audio", key) as done:
        archive = await Shelves(request).allow(key)
        audio = archive.audio(key, wanted_part(request))
        return await pass_on(request, audio, request.match_info["recording_id"], done)


OPERATIONS: Final = (
    Operation(
        LIST,
        list_recordings,
        "Stored recordings of all accounts",
        RecordingPage,
        query=RecordingQuery,
        problems=(400, 404, 410, 502, 504),
        scope="recordings:read",
    ),
    Operation(
        PATH,
        get_recording,
        "One stored recording",
        MediaSnapshot,
        problems=PLATFORM_PROBLEMS,
        scope="recordings:read",
    ),
    Operation(
        PATH,
        delete_recording,
        "Delete a stored recording at its platform",
        Deleted,
        problems=PLATFORM_PROBLEMS,
        scope="recordings:delete",
        method="DELETE",
    ),
    Operation(
        f"{PATH}/audio",
        get_audio,
        "The audio of a stored recording",
        None,
        content_type="*/*",
        problems=(*PLATFORM_PROBLEMS, 416),
        scope="recordings:read",
        statuses=(200, 206),
        hears=(RANGE,),
        tells=(CONTENT_RANGE, DISPOSITION),
    ),
)
