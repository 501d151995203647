"""Stored recordings one by one: what they are, their audio, their end; and access."""

import logging
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.integration.kazoo.past import Past
from tests.integration.kazoo.site import API_KEY, Site, site
from tracker.domain.archive import MediaQuery, Range, Stream
from tracker.domain.key import make_key
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderLockedError,
    ProviderUnavailableError,
    RangeError,
)
from tracker.simulators.faults import FaultKind
from tracker.simulators.kazoo import (
    Document,
    KazooOptions,
    KazooSimulator,
    Recorded,
)
from tracker.simulators.kazoo.wire import Wire

PLACE = "https://store.example/in?key=hidden"
HOUR_S = 3600


async def heard(at: Site, document: Document, part: Range | None = None) -> bytes:
    """All of its audio."""
    async with at.archive.audio(at.key(document), part) as stream:
        return await whole(stream)


async def whole(stream: Stream) -> bytes:
    return b"".join([chunk async for chunk in stream.chunks])


async def test_audio_follows_its_document() -> None:
    """Pending in a list and by itself; then it is there, and how large it is."""
    async with site() as at:
        document = at.simulator.add_recording(Recorded(audio_after_s="never"))
        (listed,) = await at.listed()
        assert (listed.audio, listed.size_bytes) == ("pending", None)
        assert (await at.archive.recording(at.key(document))).audio == "pending"
        with pytest.raises(NotFoundError, match="not there yet"):
            await heard(at, document)
        at.simulator.attach_audio(document)
        (listed,) = await at.listed()
        shown = await at.archive.recording(at.key(document))
        audio = await heard(at, document)
        assert (listed.audio, shown.audio) == ("ready", "ready")
        assert shown.size_bytes == len(audio) == document.size_bytes


async def test_audio_that_never_came_is_absent() -> None:
    """The server has given up by then."""
    past = Past()
    document = past.save(3 * HOUR_S, audio_after_s="never")
    async with site(past.simulator) as at:
        assert [it.audio for it in await at.listed()] == ["absent"]
        assert (await at.archive.recording(at.key(document))).audio == "absent"
        with pytest.raises(NotFoundError, match=r"not there$"):
            await heard(at, document)


async def test_audio_that_a_list_does_not_tell_of_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The list alone calls none of it absent, however old it is."""
    monkeypatch.setattr(
        Wire, "listed", lambda wire, document, **_: wire.document(document)
    )
    past = Past()
    there, gone = (past.save(3 * HOUR_S, audio_after_s="never") for _ in range(2))
    past.simulator.attach_audio(there)
    async with site(past.simulator) as at:
        assert [it.audio for it in await at.listed()] == ["pending"] * 2
        assert (await at.archive.recording(at.key(there))).audio == "ready"
        assert (await at.archive.recording(at.key(gone))).audio == "absent"


@pytest.mark.parametrize("format_", ["mp3", "wav"])
async def test_audio_comes_as_it_is(format_: str) -> None:
    """With its type and its name."""
    async with site() as at:
        recorded = Recorded(format=format_)  # type: ignore[arg-type]
        document = at.simulator.add_recording(recorded)
        async with at.archive.audio(at.key(document)) as stream:
            expected = {"mp3": "audio/mpeg", "wav": "audio/x-wav"}[format_]
            assert (stream.content_type, stream.file_name, stream.status) == (
                expected,
                document.name,
                200,
            )
            assert len(await whole(stream)) == document.size_bytes


@pytest.mark.parametrize("has_ranges", [False, True])
async def test_a_part_of_audio(*, has_ranges: bool) -> None:
    """Where the server knows parts; elsewhere the whole comes, and says so."""
    options = KazooOptions(bucket=None, has_ranges=has_ranges)
    async with site(KazooSimulator(options)) as at:
        document = at.simulator.add_recording(Recorded())
        audio = await heard(at, document)
        part = await heard(at, document, Range(10, 19))
        assert part == (audio[10:20] if has_ranges else audio)
        if has_ranges:
            with pytest.raises(RangeError) as raised:
                await heard(at, document, Range(len(audio)))
            assert raised.value.size == len(audio)


async def test_audio_that_breaks_off_is_told() -> None:
    """A file that ends well is whole."""
    async with site() as at:
        document = at.simulator.add_recording(Recorded(size_bytes=2_000_000))
        at.fail(FaultKind.CUT, "GET /v2/*/recordings/*", after=True, count=1)
        with pytest.raises(ProviderUnavailableError):
            await heard(at, document)


async def test_audio_elsewhere_stays_there() -> None:
    """Where it is, is nobody's business here."""
    async with site() as at:
        document = at.simulator.add_recording(Recorded(url=PLACE))
        shown = await at.archive.recording(at.key(document))
        assert (shown.audio, [it.audio for it in await at.listed()]) == (
            "external",
            ["external"],
        )
        assert "store.example" not in repr(shown)
        with pytest.raises(NotFoundError, match="a place of its own"):
            await heard(at, document)
        deleted = await at.archive.delete(at.key(document))
        assert (deleted.document, deleted.audio) == ("deleted", "kept")


@pytest.mark.parametrize(("external", "audio"), [(False, "deleted"), (True, "kept")])
async def test_what_is_deleted_is_gone(*, external: bool, audio: str) -> None:
    """Its audio with it, unless the account has a storage plan."""
    async with site(external_storage=external) as at:
        document = at.simulator.add_recording(Recorded())
        assert (await at.archive.delete(at.key(document))).audio == audio
        assert not at.simulator.recordings
        with pytest.raises(NotFoundError):
            await at.archive.delete(at.key(document))


@pytest.mark.parametrize("name", ["202403-abc", "no-month", "..", "a/b", "x?y=1"])
async def test_what_there_is_not_is_not_found(name: str) -> None:
    """Whatever it is called, and nothing else is asked."""
    async with site() as at:
        key = make_key("kazoo", at.settings.account, name)
        for asking in (at.archive.recording(key), at.archive.delete(key)):
            with pytest.raises(NotFoundError):
                await asking
        with pytest.raises(NotFoundError):
            await at.archive.recording(make_key("kazoo", "other", "202403-abc"))


async def test_there_are_no_exports() -> None:
    """The platform has no such thing."""
    async with site() as at:
        assert at.archive.exports is False
        with pytest.raises(CommandRefusedError, match="no bulk downloads"):
            await at.archive.export(MediaQuery())
        assert await at.archive.export_jobs() == ()
        with pytest.raises(NotFoundError):
            await at.archive.export_job("x")
        with pytest.raises(NotFoundError):
            at.archive.download("x")


LOGINS: list[dict[str, Any]] = [
    {},
    {"username": "TRACKER", "password": "opensesame", "account_name": "acme"},
    {
        "username": "tracker",
        "password": "opensesame",
        "account_realm": "acme.sip.example",
        "credentials_hash": "sha",
    },
    {"username": "tracker", "password": "opensesame", "phone_number": "+15550100"},
]


@pytest.mark.parametrize("login", LOGINS)
async def test_every_way_to_log_in(login: dict[str, Any]) -> None:
    """One token for many requests; a new one when it is refused."""
    async with site(**login) as at:
        await at.listed()
        await at.listed()
        assert at.simulator.token_requests == 1
        at.simulator.expire_tokens()
        await at.listed()
        assert at.simulator.token_requests == 2


async def test_a_token_is_renewed_before_its_end() -> None:
    """So that nothing is refused."""
    async with site(token_lifetime_s=0.001) as at:
        await at.listed()
        assert at.simulator.token_requests > 1
        assert 401 not in [it.status for it in at.simulator.requests]


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_key": "wrong" * 4},
        {"username": "tracker", "password": "wrong" * 4, "account_name": "acme"},
    ],
)
async def test_refused_credentials_need_a_person(wrong: dict[str, Any]) -> None:
    """It is said which; never what they are."""
    async with site(**wrong) as at:
        for asking in (at.check, at.account.check):
            with pytest.raises(ProviderLockedError, match="refused") as raised:
                await asking()
            assert "wrong" not in str(raised.value)


async def test_a_new_token_that_is_refused_needs_a_person() -> None:
    """It is not asked for again and again."""
    async with site() as at:
        at.fail(FaultKind.STATUS, "GET /v2/*", status=401)
        with pytest.raises(ProviderLockedError, match="a new token is refused"):
            await at.listed()
        assert at.simulator.token_requests == 2


@pytest.mark.parametrize("path", ["PUT /v2/*", "GET /v2/*"])
async def test_too_many_requests_are_told(path: str) -> None:
    """Also of a login; nothing was done."""
    async with site() as at:
        at.fail(FaultKind.STATUS, path, status=429)
        with pytest.raises(ProviderUnavailableError, match="429") as raised:
            await at.check()
        assert raised.value.taken is False


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": FaultKind.STATUS, "status": 500},
        {"kind": FaultKind.GARBAGE},
        {"kind": FaultKind.CUT},
        {"kind": FaultKind.HANG},
    ],
)
@pytest.mark.parametrize("path", ["PUT /v2/*", "GET /v2/*"])
async def test_trouble_is_no_answer(
    fault: dict[str, object], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Try again later; nothing secret is said."""
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        async with site(request_timeout_s=0.2) as at:
            at.fail(path=path, **fault)  # type: ignore[arg-type]
            with pytest.raises(ProviderUnavailableError) as raised:
                await at.check()
    said = f"{raised.value}{caplog.text}{logs}"
    assert API_KEY not in said
    assert "auth_token" not in caplog.text


async def test_check_says_what_was_found() -> None:
    """In one line."""
    async with site() as at:
        at.simulator.add_recording(Recorded())
        at.simulator.begin_call(at.simulator.users[0])
        assert await at.account.check() == (
            "token granted, 2 channels, 0 users named; no RECORD events; "
            "1 recordings in a day"
        )
