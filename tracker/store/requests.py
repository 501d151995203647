"""What outlets put into inboxes, and the commands and watches that came of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from tracker.domain.command import Request
from tracker.domain.key import make_key, partition_of
from tracker.domain.reading import Exported, Media, Saved
from tracker.domain.snapshot import CommandPart
from tracker.domain.terms import Kind
from tracker.domain.view import View
from tracker.domain.watch import Unwatch, Watch, Watched
from tracker.store.codec import parse_view
from tracker.store.inbox import Inbox
from tracker.store.keys import PartitionKeys
from tracker.store.redis import Keyspace
from tracker.store.scan import values


class KeptCommand(NamedTuple):
    """A command of the last day.

    Attributes:
        view: How its call was seen at the command's last step.
    """

    command: CommandPart
    view: View


class Requests:
    """Of all partitions.

    Args:
        redis: The store.
        keys: Of every partition.
    """

    def __init__(self, redis: Keyspace, keys: Sequence[PartitionKeys]) -> None:
        self._redis = redis
        self._keys = keys
        self._inboxes = [Inbox(redis, each) for each in keys]

    async def now(self, call: str) -> datetime:
        """The clock that a request on *call* will be judged by."""
        now_ms = await self._redis.time_ms(self._of(call).meta)
        return datetime.fromtimestamp(now_ms / 1000, UTC)

    async def put(
        self, told: Request | Watch | Unwatch | Media | Saved | Exported
    ) -> None:
        """Append it to its entity's inbox; the outbox will tell what became of it.

        Raises:
            StoreUnavailableError: It may have been appended; the same again, with the
                same id, is harmless.
        """
        kind: Kind
        match told:
            case Saved(media=media):
                kind, key = "media", media.key
            case Exported(export=export):
                kind, key = "export", export.key
            case _:
                kind, key = "call", told.call
        number = partition_of(kind, key, len(self._keys))
        await self._inboxes[number].append([told])

    async def command(self, call: str, id_: str) -> KeptCommand | None:
        """A command of *call*, up to a day after its last step; None = no such one."""
        if not _is_id(id_):
            return None
        name = self._of(call).commands(call)
        view, command = await self._redis.call(name, "HMGET", name, "view", id_)
        if view is None or command is None:
            return None
        return KeptCommand(CommandPart.model_validate_json(command), parse_view(view))

    async def commands(self, call: str) -> list[KeptCommand]:
        """Those of *call* that are kept, the newest first."""
        name = self._of(call).commands(call)
        flat = await self._redis.call(name, "HGETALL", name)
        if not flat:
            return []
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        view = parse_view(fields[b"view"])
        found = [
            KeptCommand(CommandPart.model_validate_json(raw), view)
            for field, raw in fields.items()
            if _is_id(field.decode())
        ]
        return sorted(found, key=lambda kept: kept.command.requested_at, reverse=True)

    async def asked_before(
        self, call: str, subject: str, idempotency_key: str
    ) -> KeptCommand | None:
        """What *subject* asked of *call* under the same key; None = nothing yet."""
        name = self._of(call).commands(call)
        field = f"key:{make_key(subject, idempotency_key)}"
        id_ = await self._redis.call(name, "HGET", name, field)
        return await self.command(call, id_.decode()) if id_ else None

    async def watches(self) -> list[Watched]:
        """All watches, by id."""
        found = [
            Watched.model_validate_json(raw)
            for keys in self._keys
            async for raw in values(self._redis, keys.watches)
        ]
        return sorted({one.id: one for one in found}.values(), key=lambda one: one.id)

    async def watch(self, id_: str, call: str | None = None) -> Watched | None:
        """One watch; None = there is none. Who knows its *call* is answered faster."""
        for keys in self._keys if call is None else [self._of(call)]:
            raw = await self._redis.call(keys.watches, "HGET", keys.watches, id_)
            if raw is not None:
                return Watched.model_validate_json(raw)
        return None

    def _of(self, call: str) -> PartitionKeys:
        return self._keys[partition_of("call", call, len(self._keys))]


def _is_id(field: str) -> bool:
    """A command's, among the fields of a call's; see `PartitionKeys.commands`."""
    return field != "view" and not field.startswith("key:")
