"""Sources and accounts that lie in this partition, with their health."""

from datetime import datetime

from tracker.domain.changes import Changes
from tracker.domain.entry import Entry, Fact, Outgoing
from tracker.domain.event import PREFIX
from tracker.domain.key import account_of, partition_of
from tracker.domain.snapshot import AccountSnapshot, SourceSnapshot
from tracker.domain.source import decide_account, decide_source
from tracker.domain.terms import Kind, SourceState
from tracker.domain.view import View


class Health:
    """Every source lies in its account's partition, so one place decides.

    Attributes:
        changed: Keys of sources and accounts to be stored; a key that is no longer
            in `sources` is to be deleted.
    """

    def __init__(self, number: int, partitions: int) -> None:
        self.sources: dict[str, SourceSnapshot] = {}
        self.accounts: dict[str, AccountSnapshot] = {}
        self.changed_sources: set[str] = set()
        self.changed_accounts: set[str] = set()
        self._number = number
        self._partitions = partitions
        self._up: dict[str, set[str]] = {}
        self._all: dict[str, set[str]] = {}
        self._pending: list[tuple[str, Changes[SourceSnapshot]]] = []

    def restore(self, source: SourceSnapshot) -> None:
        """Take a stored source in, at load."""
        self.sources[source.key] = source
        self._count(source)

    def report(
        self, source: str, state: SourceState, at: datetime, error: str | None
    ) -> None:
        """A source's state; told at `settle`, when its whole entry was folded."""
        if partition_of("source", source, self._partitions) != self._number:
            return
        old = self.sources.get(source)
        if old is not None and old.state == "locked" and state == "down":
            return
        changes = decide_source(old, source, state, at, error)
        if changes.kept and changes.entity is not None:
            self.sources[source] = changes.entity
            self.changed_sources.add(source)
            self._count(changes.entity)
            self._pending.append((source, changes))

    def retire(self, source: str) -> None:
        """The source no longer exists."""
        old = self.sources.pop(source, None)
        if old is not None:
            self.changed_sources.add(source)
            account = account_of(source)
            self._up[account].discard(source)
            self._all[account].discard(source)
            self._pending.append((source, Changes(None)))

    def settle(self, at: datetime) -> list[Outgoing]:
        """Outbox entries of all that was reported since the last time.

        When an account goes down with its last sources, that is one event: theirs
        are kept back.
        """
        pending, self._pending = self._pending, []
        accounts = {account_of(source) for source, _ in pending}
        decided = {
            key: decide_account(
                self.accounts.get(key),
                key,
                [self.sources[source] for source in self._all[key]],
                at,
            )
            for key in accounts
            if key not in self.accounts
            or (self.accounts[key].state == "up") != bool(self._up[key])
        }
        self.accounts |= {key: c.entity for key, c in decided.items() if c.entity}
        outgoing = []
        for source, changes in pending:
            account = account_of(source)
            silent = account in decided and self.accounts[account].state == "down"
            outgoing.append(_entry("source", source, changes, at, silent=silent))
        for key, made in decided.items():
            if made.kept:
                self.changed_accounts.add(key)
                outgoing.append(_entry("account", key, made, at))
        return outgoing

    def _count(self, source: SourceSnapshot) -> None:
        account = account_of(source.key)
        self._all.setdefault(account, set()).add(source.key)
        up = self._up.setdefault(account, set())
        if source.state == "up":
            up.add(source.key)
        else:
            up.discard(source.key)


def _entry(
    kind: Kind,
    key: str,
    changes: Changes[SourceSnapshot] | Changes[AccountSnapshot],
    at: datetime,
    *,
    silent: bool = False,
) -> Outgoing:
    entity = changes.entity
    view = View(kind=kind, key=key, account=account_of(key))
    facts = tuple(
        Fact(type=PREFIX + c.type, at=c.at, change=c.detail) for c in changes.changes
    )
    entry = Entry(
        entity=kind,
        key=key,
        version=entity.version if entity else 0,
        facts=() if silent else facts,
        before=view,
        after=view if entity else None,
        recorded_at=at,
    )
    return Outgoing(entry, entity.model_dump_json().encode() if entity else b"")
