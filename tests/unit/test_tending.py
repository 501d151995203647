"""Work that goes on while the store comes and goes."""

import pytest
from structlog.testing import capture_logs

from tracker.errors import StoreUnavailableError
from tracker.store.tending import tend

AWAY = StoreUnavailableError("gone")


class DoneError(Exception):
    """Enough."""


async def test_a_store_that_is_away_is_logged_once_each_time() -> None:
    """And the work is done again whatever was; any other error ends it."""
    turns: list[Exception | None] = [None, AWAY, AWAY, None, AWAY, DoneError()]

    async def work() -> None:
        if (failed := turns.pop(0)) is not None:
            raise failed

    with capture_logs() as logs, pytest.raises(DoneError):
        await tend(work, 0, "store_away")
    assert [log["event"] for log in logs] == ["store_away", "store_away"]
