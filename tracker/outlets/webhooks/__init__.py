"""Webhooks: every event to every endpoint that wants it, in order, until it is taken.

::

    outbox -> intake (who wants it) -> backlog (owed, stored with the cursor)
           -> lanes (one at a time per entity) -> line (when, within slots)
           -> attempts (and what follows from their answers) -> sender

`dispatcher` runs that for one partition under its lease, `books` write what comes of
it, and `replays` do it again for what is past; `desk` knows the endpoints, `role`
shares the partitions among processes; `schedule` and `signature` are pure.
"""

from tracker.outlets.webhooks.clock import Clock
from tracker.outlets.webhooks.desk import Desk
from tracker.outlets.webhooks.dispatcher import Dispatcher
from tracker.outlets.webhooks.role import DispatchRole
from tracker.outlets.webhooks.sender import opened_sender

__all__ = ["Clock", "Desk", "DispatchRole", "Dispatcher", "opened_sender"]
