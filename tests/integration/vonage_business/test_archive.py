"""What an account has stored: found, shown, deleted."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.vonage_business.site import site
from tracker.domain.archive import Deleted, MediaQuery
from tracker.errors import (
    CommandRefusedError,
    NotFoundError,
    ProviderError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.simulators.faults import FaultKind
from tracker.simulators.vonage_business import VonageBusinessOptions

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
V1 = "/t/vbc.prod/call_recording/v1/api"
COMPANY = "*/company_call_recordings*"


@pytest.mark.parametrize("path", ["/t/vbc.prod/call_recording/api", V1])
async def test_a_recording_is_shown_as_it_is(path: str) -> None:
    """By either of the documented paths."""
    async with site(api_path=path, numbers="last4") as at:
        made = at.simulator.add_recording(
            call_id="c9", caller_id="17325550100", extensions=("999",), start_at=NOON
        )
        shown = await at.archive.recording(at.key(made))
        assert await at.listed() == [shown]
        assert shown.key == f"vonage_business/549825/company%3A{made.id}"
        assert shown.call_key == "vonage_business/549825/c9"
        assert (shown.caller_id, shown.extensions) == ("…0100", ("999",))
        assert (shown.started_at, shown.duration_ms) == (NOON, made.duration_ms)
        paths = [it.path for it in at.simulator.requests if it.path != "/token"]
        assert all(it.startswith(f"{path}/accounts/549825/") for it in paths)


async def test_self_stands_for_the_account_and_the_user() -> None:
    """Whoever logs in."""
    async with site(account="self", users=("self",)) as at:
        at.simulator.add_recording()
        at.simulator.add_recording(user="745249")
        assert {it.user for it in await at.listed()} == {None, "self"}
        for key in await at.keys():
            assert (await at.archive.recording(key)).key == key


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "dcba"),
        ({"order": "start:asc"}, "abcd"),
        ({"kind": "company"}, "ba"),
        ({"kind": "on_demand"}, "dc"),
        ({"kind": "kazoo"}, ""),
        ({"call": "c-b"}, "b"),
        ({"agent": "101"}, "da"),
        ({"agent": "7"}, "c"),
        ({"direction": "internal"}, "d"),
        ({"caller_id": "15550002"}, "b"),
        ({"cnam": "OFFICE & CO"}, "a"),
        ({"dnis": "15550109"}, "c"),
        ({"min_duration_ms": 30_000}, "dc"),
        ({"max_duration_ms": 20_000}, "ba"),
        ({"from_at": NOON + timedelta(hours=1)}, "dcb"),
        ({"from_at": NOON + timedelta(hours=1, microseconds=1)}, "dc"),
        ({"to_at": NOON + timedelta(hours=1)}, "ba"),
        ({"to_at": NOON + timedelta(minutes=59, microseconds=1)}, "a"),
        ({"from_at": NOON + timedelta(hours=2), "to_at": NOON}, ""),
        ({"from_at": NOON.astimezone(), "call": "c-c", "agent": "103"}, "c"),
    ],
)
async def test_filters_hold_together(query: dict[str, object], found: str) -> None:
    """On every shelf; what the platform cannot tell apart, tracker does."""
    async with site() as at:
        names: dict[str, str] = {}
        for number, name in enumerate("abcd", 1):
            made = at.simulator.add_recording(
                user={"c": "7", "d": "8"}.get(name),
                call_id=f"c-{name}",
                call_direction="INTRA_PBX" if name == "d" else "INBOUND",
                caller_id=f"1555000{number}",
                cnam="OFFICE & CO" if name == "a" else "",
                dnis="15550109" if name == "c" else "15550100",
                extensions=("101",) if name in "ad" else (f"10{number}",),
                duration_ms=number * 10_000,
                start_at=NOON + timedelta(hours=number - 1),
            )
            names[at.key(made)] = name
        assert "".join(names[key] for key in await at.keys(**query)) == found


async def test_a_deleted_one_is_gone() -> None:
    """Nothing is known of its audio; a second time there is nothing to delete."""
    async with site() as at:
        made = [at.simulator.add_recording(user=user) for user in (None, "7")]
        for key in map(at.key, made):
            deleted = Deleted(document="deleted", audio="unknown")
            assert await at.archive.delete(key) == deleted
            with pytest.raises(NotFoundError):
                await at.archive.delete(key)
            with pytest.raises(NotFoundError):
                await at.archive.recording(key)
        assert await at.keys() == []


@pytest.mark.parametrize(
    "name",
    [
        "company%3Ajobs",
        "company%3Aexport",
        "company%3A..",
        "company%3A1%2F2",
        "on_demand%3A9%3A1",
        "on_demand%3A7%3Ajobs",
        "kazoo%3A1",
        "1",
    ],
)
async def test_a_key_that_names_nothing_asks_for_nothing(name: str) -> None:
    """Nor does one of a user who is not in the settings."""
    async with site() as at:
        with pytest.raises(NotFoundError):
            await at.archive.delete(f"vonage_business/549825/{name}")
        with pytest.raises(NotFoundError):
            await at.archive.recording("vonage_business/1/company%3A1")
        assert not at.simulator.requests


@pytest.mark.parametrize("bodies", [True, False])
async def test_what_is_not_there_is_not_found(bodies: bool) -> None:
    """Also where the body speaks of 401."""
    options = VonageBusinessOptions(users=("7",), error_bodies=bodies)
    async with site(options) as at:
        with pytest.raises(NotFoundError, match="no such thing"):
            await at.archive.recording("vonage_business/549825/company%3A5")


async def test_a_user_who_is_gone_hides_nobody() -> None:
    """There is just nothing of theirs."""
    async with site(users=("7", "77")) as at:
        made = at.simulator.add_recording(user="7")
        assert await at.keys() == [at.key(made)]
        with pytest.raises(NotFoundError, match="user 77"):
            await at.check()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, CommandRefusedError),
        (403, ProviderLockedError),
        (409, CommandRefusedError),
        (408, ProviderUnavailableError),
        (429, ProviderUnavailableError),
        (500, ProviderUnavailableError),
        (503, ProviderUnavailableError),
    ],
)
async def test_statuses_mean_what_they_mean(
    status: int, error: type[ProviderError]
) -> None:
    """For every kind of request."""
    async with site() as at:
        key = at.key(at.simulator.add_recording())
        at.fail(FaultKind.STATUS, COMPANY, status=status, retry_after_s=7)
        with pytest.raises(error) as caught:
            await at.archive.recordings(MediaQuery(), 10)
        assert "opensesame" not in str(caught.value)
        with pytest.raises(error):
            await at.archive.delete(key)
        with pytest.raises(error):
            await at.archive.export(MediaQuery())
        if isinstance(caught.value, ProviderUnavailableError):
            assert caught.value.retry_after_s == 7


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FaultKind.CUT, "html"),
        (FaultKind.HANG, "html"),
        (FaultKind.GARBAGE, "html"),
        (FaultKind.GARBAGE, "empty"),
        (FaultKind.GARBAGE, "broken"),
    ],
)
async def test_a_broken_answer_is_no_answer(kind: FaultKind, body: str) -> None:
    """Whatever it is broken by."""
    async with site(request_timeout_s=0.2) as at:
        await at.keys()
        at.fail(kind, COMPANY, body=body)
        with pytest.raises(ProviderUnavailableError):
            await at.archive.recordings(MediaQuery(), 10)
        with pytest.raises(ProviderUnavailableError):
            await at.archive.recording("vonage_business/549825/company%3A5")


async def test_a_cursor_is_for_the_order_it_was_made_in() -> None:
    """Anything else is refused."""
    async with site() as at:
        at.simulator.fill(3)
        page = await at.archive.recordings(MediaQuery(), 2)
        rising = MediaQuery(order="start:asc")
        with pytest.raises(ValueError, match="another order"):
            await at.archive.recordings(rising, 2, page.after)
        for text in ("", "x", "WzFd", "é"):
            with pytest.raises(ValueError, match="not where a page ended"):
                await at.archive.recordings(rising, 2, text)


async def test_a_read_of_what_is_recent_costs_its_pages() -> None:
    """One request for each shelf, and one more for every 199 on it."""
    async with site() as at:
        at.simulator.fill(1_000)
        at.simulator.fill(300, user="7", apart_s=30)
        since = datetime.now(UTC) - timedelta(hours=48)
        found = [it.key async for page in at.archive.saved_since(since) for it in page]
        assert len(set(found)) == len(found) == 1_300
        asked = [it for it in at.simulator.requests if it.path != "/token"]
        assert len(asked) == 3 + 1_000 // 199 + 300 // 199


async def test_a_check_counts_what_there_is() -> None:
    """In one line."""
    async with site() as at:
        at.simulator.fill(3)
        at.simulator.fill(2, user="7")
        words = "token granted, 3 company recordings; 2 on-demand ones of 2 users"
        assert await at.check() == words
        assert at.archive.key == "vonage_business/549825"
        assert at.archive.exports
