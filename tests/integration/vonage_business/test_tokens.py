"""Tokens: renewed in time and once, and never lost without a word."""

import asyncio
import json
import logging
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.vonage_business.renewing import STEPS
from tests.integration.vonage_business.site import LOGIN, Site, settings_at, site
from tracker.domain.archive import MediaQuery
from tracker.errors import (
    ConfigError,
    ProviderLockedError,
    ProviderUnavailableError,
)
from tracker.providers.vonage_business.archive import open_archive
from tracker.providers.vonage_business.settings import VonageBusinessSettings
from tracker.simulators.faults import FaultKind
from tracker.simulators.vonage_business import (
    VonageBusinessOptions,
    VonageBusinessSimulator,
)

LOST = ("answered", "torn beside")
QUERY = MediaQuery()


@asynccontextmanager
async def refreshing(file: Path, **fields: object) -> AsyncIterator[Site]:
    """An account with a refresh token that a person was given."""
    simulator = VonageBusinessSimulator()
    async with simulator.serve() as url:
        first = simulator.give_refresh_token()
        told = {"refresh_token": first, "tokens_file": file, **fields}
        settings = settings_at(simulator, url, **told)
        async with open_archive(settings) as archive:
            yield Site(simulator, settings, archive)


def with_token(at: Site, token: str) -> VonageBusinessSettings:
    """The same account, given another token."""
    file = at.settings.tokens_file
    told: dict[str, Any] = {"refresh_token": token, "tokens_file": file}
    return settings_at(at.simulator, at.settings.base_url, **told)


async def ask(settings: VonageBusinessSettings) -> None:
    """As after a restart."""
    async with open_archive(settings) as archive:
        await archive.recordings(QUERY, 1)


async def killed(settings: VonageBusinessSettings, step: str) -> None:
    """Run until it kills itself there."""
    told = settings.model_dump(mode="json", exclude_unset=True)
    for name in ("client_secret", "password", "refresh_token"):
        if (secret := getattr(settings, name)) is not None:
            told[name] = secret.get_secret_value()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.vonage_business.renewing",
        json.dumps(told),
        step,
        cwd=Path(__file__).parents[3],
    )
    assert await child.wait() == -signal.SIGKILL


@pytest.mark.parametrize("step", STEPS)
async def test_a_crash_at_any_step_of_a_refresh(step: str, tmp_path: Path) -> None:
    """The account works after it; or says that its token was lost, and the cure."""
    async with refreshing(tmp_path / "tokens") as at:
        await killed(at.settings, step)
        assert at.simulator.token_requests == (STEPS.index(step) > 1)
        if step in LOST:
            with pytest.raises(ProviderLockedError, match="lost: log in for a new one"):
                await ask(at.settings)
            await ask(with_token(at, at.simulator.give_refresh_token()))
        else:
            for _ in range(3):
                await ask(at.settings)


@pytest.mark.parametrize("step", ["answered", "used"])
async def test_a_crash_of_one_who_logs_in(step: str) -> None:
    """It logs in again."""
    async with site() as at:
        await killed(at.settings, step)
        assert await at.keys() == []
        assert at.simulator.token_requests == 2


async def test_a_crash_while_the_answer_is_awaited(tmp_path: Path) -> None:
    """The platform has taken the token, and its answer never came."""
    async with refreshing(tmp_path / "tokens", request_timeout_s=0.1) as at:
        at.simulator.lose_next_refresh()
        with pytest.raises(ProviderUnavailableError):
            await at.archive.recordings(QUERY, 1)
        with pytest.raises(ProviderLockedError, match="answer with the next one was"):
            await ask(at.settings)


async def test_a_request_that_never_arrived_costs_nothing(tmp_path: Path) -> None:
    """The token is still good."""
    async with refreshing(tmp_path / "tokens") as at:
        at.fail(FaultKind.CUT, "POST /token", count=1)
        with pytest.raises(ProviderUnavailableError):
            await at.archive.recordings(QUERY, 1)
        assert await at.keys() == []


async def test_each_refresh_token_is_used_once(tmp_path: Path) -> None:
    """Over many restarts, and by two at the same time; the file is private."""
    file = tmp_path / "tokens"
    async with refreshing(file) as at:
        await asyncio.gather(*(ask(at.settings) for _ in range(5)), at.keys())
        await ask(at.settings)
        assert at.simulator.site.tokens.refreshes == 7
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        first = at.settings.refresh_token
        assert first is not None
        assert first.get_secret_value() not in file.read_text()


async def test_who_goes_does_not_take_the_renewal_along(tmp_path: Path) -> None:
    """A waiter that is cancelled, or is tired of waiting, loses nothing."""
    async with refreshing(tmp_path / "tokens", request_timeout_s=5) as at:
        at.fail(FaultKind.DELAY, "POST /token", delay_s=0.3, after=True)
        waiter = asyncio.create_task(at.keys())
        await at.simulator.until(lambda: at.simulator.token_requests == 1)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        assert await at.keys() == []
        assert at.simulator.token_requests == 1


async def test_closing_waits_for_the_successor(tmp_path: Path) -> None:
    """It is kept, and used after the restart."""
    async with refreshing(tmp_path / "tokens") as at:
        at.fail(FaultKind.DELAY, "POST /token", delay_s=0.3, after=True, count=1)
        async with open_archive(at.settings) as archive:
            waiter = asyncio.create_task(archive.recordings(QUERY, 1))
            await at.simulator.until(lambda: at.simulator.token_requests == 1)
            waiter.cancel()
        await ask(at.settings)


async def test_a_successor_that_cannot_be_kept_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept as soon as that is possible, and not used before."""
    async with refreshing(tmp_path / "tokens") as at:
        original, calls = Path.replace, 0

        def full(path: Path, to: Path) -> Path:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise OSError(28, "No space left on device")
            return original(path, to)

        monkeypatch.setattr(Path, "replace", full)
        with pytest.raises(ProviderUnavailableError, match="tokens_file: No space"):
            await at.archive.recordings(QUERY, 1)
        assert not [it for it in at.simulator.requests if it.method == "GET"]
        assert await at.keys() == []
        assert at.simulator.token_requests == 1
        await ask(at.settings)


async def test_a_file_that_cannot_be_written_costs_no_token(tmp_path: Path) -> None:
    """Nothing is sent before it can be kept."""
    folder = tmp_path / "folder"
    folder.mkdir()
    async with refreshing(folder / "tokens") as at:
        folder.rename(tmp_path / "away")
        with pytest.raises(ProviderUnavailableError, match="tokens_file: No such file"):
            await at.archive.recordings(QUERY, 1)
        assert at.simulator.token_requests == 0


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"refresh_token":'])
async def test_a_file_of_something_else_is_not_written_over(
    content: str, tmp_path: Path
) -> None:
    """What it is, and what to do."""
    file = tmp_path / "tokens"
    file.write_text(content)
    async with refreshing(file) as at:
        with pytest.raises(ProviderLockedError, match="not as tracker wrote it: del"):
            await at.archive.recordings(QUERY, 1)
        assert file.read_text() == content


async def test_two_accounts_do_not_share_a_file(tmp_path: Path) -> None:
    """They would take each other's tokens away."""
    file = tmp_path / "tokens"
    async with refreshing(file) as at:
        await ask(at.settings)
        told = at.settings.model_copy(update={"account": "self"})
        with pytest.raises(ProviderLockedError, match="give every account a file of"):
            await ask(told)
        await ask(at.settings)


async def test_a_token_that_is_too_old_needs_a_person(tmp_path: Path) -> None:
    """Who need not restart anything where it is in a file; nor is it tried on."""
    told = tmp_path / "first"
    told.write_text("too old\n")
    fields = {"refresh_token": None, "refresh_token_file": told}
    async with refreshing(tmp_path / "tokens", **fields) as at:
        for _ in range(3):
            with pytest.raises(ProviderLockedError, match=r"\(invalid_grant\).*log in"):
                await at.archive.recordings(QUERY, 1)
        assert at.simulator.token_requests == 1
        told.write_text(f"{at.simulator.give_refresh_token()}\n")
        await ask(at.settings)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": "wrongword"}, "password refused: invalid_grant"),
        ({"username": "wrongword"}, "password refused: invalid_grant"),
        ({"client_secret": "wrongword"}, "client, username or .*: invalid_client"),
    ],
)
async def test_a_wrong_secret_needs_a_person(
    fields: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said which, and not what it is."""
    caplog.set_level(logging.DEBUG)
    async with site(**fields) as at:
        with pytest.raises(ProviderLockedError, match=words) as caught:
            await at.check()
    assert "wrongword" not in str(caught.value) + caplog.text


async def test_a_wrong_client_costs_no_refresh_token(tmp_path: Path) -> None:
    """It is not the token that was refused."""
    async with refreshing(tmp_path / "tokens") as at:
        wrong = at.settings.client_secret
        assert wrong is not None
        secret = type(wrong)("wrongword")
        told = at.settings.model_copy(update={"client_secret": secret})
        with pytest.raises(ProviderLockedError, match="client_secret refused"):
            await ask(told)
        await ask(at.settings)


async def test_a_missing_secret_is_said_when_the_archive_opens(tmp_path: Path) -> None:
    """The place and the cure; likewise of a folder that is not there."""
    async with site() as at:
        told: dict[str, Any] = {"password": None, "password_env": "VBC_ABSENT"}
        settings = settings_at(at.simulator, at.settings.base_url, **told)
        with pytest.raises(ConfigError, match="VBC_ABSENT holds no password: set it"):
            await ask(settings)
        told = {"refresh_token": "x", "tokens_file": tmp_path / "a" / "b"}
        settings = settings_at(at.simulator, at.settings.base_url, **told)
        with pytest.raises(ConfigError, match=r"there is no folder .*: make it"):
            await ask(settings)


async def test_many_who_find_the_token_expired_renew_it_once() -> None:
    """Fifty at once; and all are answered."""
    async with site() as at:
        key = at.key(at.simulator.add_recording())
        await at.archive.recording(key)
        at.simulator.expire_tokens()
        await asyncio.gather(*(at.archive.recording(key) for _ in range(50)))
        assert at.simulator.token_requests == 2


async def test_a_new_token_that_is_refused_needs_a_person() -> None:
    """It was renewed once, and is not again and again."""
    async with site() as at:
        at.fail(FaultKind.STATUS, "GET *", status=401)
        with pytest.raises(ProviderLockedError, match="a new token is refused"):
            await at.archive.recordings(QUERY, 1)
        assert at.simulator.token_requests == 2


@pytest.mark.parametrize("told_s", [0, -5, 10**12])
async def test_a_lifetime_may_be_nonsense(told_s: int) -> None:
    """A token is good until it is refused."""
    options = VonageBusinessOptions(told_expires_in=told_s)
    async with site(options) as at:
        await at.keys()
        await at.keys()
        assert at.simulator.token_requests == 1
        at.simulator.expire_tokens()
        await at.keys()
        assert at.simulator.token_requests == 2


async def test_a_token_is_renewed_before_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is refused; and while it lasts, it is used if there is no new one."""
    async with site() as at:
        now_s = asyncio.get_running_loop().time
        later_s = 0.0
        monkeypatch.setattr(
            "tracker.providers.vonage_business.tokens._now_s",
            lambda: now_s() + later_s,
        )
        await at.keys()
        later_s = 0.89 * 86_400
        await at.keys()
        assert at.simulator.token_requests == 1
        later_s = 0.91 * 86_400
        at.fail(FaultKind.STATUS, "POST /token", status=503, count=1)
        await at.keys()
        at.simulator.faults.clear()
        before = at.simulator.token_requests
        await at.keys()
        assert at.simulator.token_requests == before + 1
        assert all(it.status != 401 for it in at.simulator.requests)


async def test_the_login_is_as_the_platform_wants_it() -> None:
    """Its ending is not doubled."""
    async with site(username=f"{LOGIN['username']}@vbc.prod") as at:
        assert await at.keys() == []
