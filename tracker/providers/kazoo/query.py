"""What of a query the server has filters for, and the rest of it."""

from tracker.domain.archive import MediaQuery
from tracker.providers.kazoo.client import Query
from tracker.providers.kazoo.normalise import extensions_of
from tracker.providers.kazoo.settings import KazooSettings
from tracker.providers.kazoo.wire import Recording

List = tuple[str | None, Query]
"""A list to read: whose (None = everybody's), and by which filters of the server."""


def lists_of(query: MediaQuery, settings: KazooSettings) -> list[List]:
    """All lists in which something of what is asked for may be; none = there is none.

    A call may be named by its interaction, as tracker does, or by one of its channels.
    """
    if query.kind not in (None, "kazoo") or query.direction is not None:
        return []
    if query.call is None:
        return [(user, {}) for user in settings.users or (None,)]
    names = ("filter_call_id", "filter_interaction_id")
    users = settings.users or (None,)
    return [(user, {name: query.call}) for user in users for name in names]


def fits(query: MediaQuery, recording: Recording) -> bool:
    """Whether a recording is one that is asked for; of the start, see the listing."""
    length_ms = recording.length_ms
    whom = (recording.owner_id, *extensions_of(recording))
    return (
        query.call in (None, recording.call_id, recording.interaction_id)
        and query.agent in (None, *whom)
        and query.caller_id in (None, recording.caller_id_number)
        and query.cnam in (None, recording.caller_id_name)
        and query.dnis in (None, recording.callee_id_number)
        and (
            query.min_duration_ms is None
            or (length_ms is not None and length_ms >= query.min_duration_ms)
        )
        and (
            query.max_duration_ms is None
            or (length_ms is not None and length_ms <= query.max_duration_ms)
        )
        and (query.from_at is None or recording.start >= query.from_at)
        and (query.to_at is None or recording.start <= query.to_at)
    )
