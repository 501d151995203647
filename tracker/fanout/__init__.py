"""From the outboxes to whoever listens: expand, project, route, replay.

::

    Outbox.tail -> tail.py -> events.expand -> projection (state at a cursor)
                                            -> hub (live subscribers) -> ring (replay)
"""
