"""Sources and accounts that lie in this partition, with their health."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tracker.domain.changes import Change
from tracker.domain.entry import Entry, Fact, Outgoing
from tracker.domain.event import PREFIX
from tracker.domain.key import account_of, partition_of
from tracker.domain.snapshot import AccountSnapshot, SourceSnapshot
from tracker.domain.source import decide_account, decide_source
from tracker.domain.terms import Kind, SourceState
from tracker.domain.view import View


class _Pending(NamedTuple):
    """A source or an account that has changed; its entity is None when it is gone."""

    key: str
    entity: SourceSnapshot | AccountSnapshot | None
    version: int
    changes: tuple[Change, ...] = ()

    @property
    def down(self) -> bool:
        """It went down, and not because a person is needed."""
        return self.entity is not None and self.entity.state == "down"


class Health:
    """Every source lies in its account's partition, so one place decides.

    Attributes:
        gone: The last versions of those that are no more, for when they come back.
        changed_sources, changed_accounts, changed_gone: Keys of what is to be stored;
            one that is no longer there is to be deleted.
    """

    def __init__(self, number: int, partitions: int) -> None:
        self.sources: dict[str, SourceSnapshot] = {}
        self.accounts: dict[str, AccountSnapshot] = {}
        self.gone: dict[str, int] = {}
        self.changed_sources: set[str] = set()
        self.changed_accounts: set[str] = set()
        self.changed_gone: set[str] = set()
        self._number = number
        self._partitions = partitions
        self._up: dict[str, set[str]] = {}
        self._all: dict[str, set[str]] = {}
        self._pending: list[_Pending] = []
        self._empty: set[str] = set()

    def restore(self, source: SourceSnapshot) -> None:
        """Take a stored source in, at load."""
        self.sources[source.key] = source
        self._count(source)

    def restore_account(self, account: AccountSnapshot) -> None:
        """Likewise, after its sources; one without any is gone."""
        self.accounts[account.key] = account
        if not self._all.setdefault(account.key, set()):
            self._empty.add(account.key)

    def report(
        self, source: str, state: SourceState, at: datetime, error: str | None
    ) -> None:
        """A source's state; told at `settle`, when its whole entry was folded."""
        if not self._is_here(source):
            return
        old = self.sources.get(source)
        if old is not None and old.state == "locked" and state == "down":
            return
        last = self.gone.get(source, 0)
        changes = decide_source(old, source, state, at, error, last=last)
        if changes.kept and changes.entity is not None:
            new = changes.entity
            self.sources[source] = new
            self.changed_sources.add(source)
            self._count(new)
            self._came_back(source)
            self._pending.append(_Pending(source, new, new.version, changes.changes))

    def blind(self, source: str, at: datetime, error: str | None) -> None:
        """It cannot see since *at*; what it was down for before says more."""
        old = self.sources.get(source)
        if old is None or old.state == "up":
            self.report(source, "down", at, error)

    def retire(self, source: str) -> None:
        """The source no longer exists."""
        old = self.sources.pop(source, None)
        if old is not None:
            self.changed_sources.add(source)
            account = account_of(source)
            self._up[account].discard(source)
            self._all[account].discard(source)
            self._went(source, old.version)
            self._pending.append(_Pending(source, None, old.version))

    def settle(self, at: datetime) -> list[Outgoing]:
        """Outbox entries of all that was reported since the last time.

        When an account goes down with its last sources, that is one event: theirs
        are kept back. One without a source is gone.
        """
        if not self._pending and not self._empty:
            return []
        pending, self._pending = self._pending, []
        accounts = sorted({account_of(one.key) for one in pending} | self._empty)
        self._empty.clear()
        decided = self._decided([key for key in accounts if self._all[key]], at)
        gone = [key for key in accounts if not self._all[key] and key in self.accounts]
        outgoing = []
        for one in pending:
            account, _ = decided.get(account_of(one.key), (None, ()))
            with_all = account is not None and account.state == "down"
            outgoing.append(_entry("source", one, at, told=not (with_all and one.down)))
        told = [_Pending(a.key, a, a.version, made) for a, made in decided.values()]
        told += [_Pending(key, None, self._dropped(key)) for key in gone]
        self.changed_accounts |= {one.key for one in told}
        return outgoing + [_entry("account", one, at) for one in told]

    def _decided(
        self, accounts: Sequence[str], at: datetime
    ) -> dict[str, tuple[AccountSnapshot, tuple[Change, ...]]]:
        """Those that are other than they were, as they are now."""
        decided = {}
        for key in accounts:
            old, is_up = self.accounts.get(key), bool(self._up[key])
            if old is None or (old.state == "up") != is_up:
                sources = [self.sources[source] for source in sorted(self._all[key])]
                last = self.gone.get(key, 0)
                made = decide_account(old, key, sources, at, last=last)
                if made.kept and made.entity is not None:
                    self.accounts[key] = made.entity
                    self._came_back(key)
                    decided[key] = made.entity, made.changes
        return decided

    def _dropped(self, account: str) -> int:
        """Its last version: it has no source any more."""
        version = self.accounts.pop(account).version
        self._went(account, version)
        return version

    def _went(self, key: str, version: int) -> None:
        self.gone[key] = version
        self.changed_gone.add(key)

    def _came_back(self, key: str) -> None:
        if self.gone.pop(key, None) is not None:
            self.changed_gone.add(key)

    def _is_here(self, source: str) -> bool:
        return partition_of("source", source, self._partitions) == self._number

    def _count(self, source: SourceSnapshot) -> None:
        account = account_of(source.key)
        self._all.setdefault(account, set()).add(source.key)
        up = self._up.setdefault(account, set())
        if source.state == "up":
            up.add(source.key)
        else:
            up.discard(source.key)


def _entry(kind: Kind, one: _Pending, at: datetime, *, told: bool = True) -> Outgoing:
    view = View(kind=kind, key=one.key, account=account_of(one.key))
    facts = tuple(
        Fact(type=PREFIX + change.type, at=change.at, change=change.detail)
        for change in one.changes
    )
    entry = Entry(
        entity=kind,
        key=one.key,
        version=one.version,
        facts=facts if told else (),
        before=view,
        after=view if one.entity else None,
        recorded_at=at,
    )
    raw = one.entity.model_dump_json().encode() if one.entity else b""
    return Outgoing(entry, raw)
