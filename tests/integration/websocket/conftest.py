"""The event loops that tracker runs on."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The standard library's and uvloop: their transports buffer differently."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
