"""The health of sources and accounts, decided in one place per account."""

from collections.abc import Iterable
from datetime import datetime

from tracker.domain.changes import Change, Changes
from tracker.domain.key import split_key
from tracker.domain.snapshot import AccountSnapshot, SourceSnapshot
from tracker.domain.terms import SourceState


def decide_source(
    source: SourceSnapshot | None,
    key: str,
    state: SourceState,
    at: datetime,
    error: str | None = None,
    *,
    last: int = 0,
) -> Changes[SourceSnapshot]:
    """The source in *state* since *at*; the same state again changes nothing.

    Args:
        source: As it stands; None = first heard of.
        key: ``provider/account/name``.
        state: What it is now.
        at: Since when: of a source that went blind, its last answer.
        error: Why it is not up.
        last: The version that it had when it went, of one that comes back.
    """
    if source is not None and (source.state, source.last_error) == (state, error):
        return Changes(source, kept=False)
    provider, account, _ = split_key(key)
    old = source.state if source else None
    known_alive_at = source.alive_at if source else None
    after = SourceSnapshot(
        key=key,
        provider=provider,
        account=account,
        state=state,
        since=source.since if source and old == state else at,
        alive_at=at if "up" in (state, old) else known_alive_at,
        last_error=error,
        version=(source.version if source else last) + 1,
    )
    if old == state:
        return Changes(after)
    detail: dict[str, object] = {"from": old, "to": state, "error": error}
    return Changes(after, (Change(f"source.{state}", at, detail),))


def decide_account(
    account: AccountSnapshot | None,
    key: str,
    sources: Iterable[SourceSnapshot],
    now: datetime,
    *,
    last: int = 0,
) -> Changes[AccountSnapshot]:
    """The account: up while any of its sources is; down since the last one went.

    Args:
        account: As it stands; None = first heard of.
        key: ``provider/account``.
        sources: All of its sources, as they are now.
        now: The input's time.
        last: The version that it had when it went, of one that comes back.
    """
    sources = list(sources)
    up = any(source.state == "up" for source in sources) or not sources
    state: SourceState = "up" if up else "down"
    old = account.state if account else None
    if old == state:
        return Changes(account, kept=False)
    alive = [source.alive_at for source in sources if source.alive_at]
    at = now if up else max((source.since for source in sources), default=now)
    provider, name = split_key(key)
    after = AccountSnapshot(
        key=key,
        provider=provider,
        account=name,
        state=state,
        since=at,
        alive_at=max(alive, default=None),
        last_error=None
        if up
        else next((s.last_error for s in sources if s.last_error), None),
        version=(account.version if account else last) + 1,
    )
    detail: dict[str, object] = {"from": old, "to": state, "sources": len(sources)}
    return Changes(after, (Change(f"account.{state}", at, detail),))
