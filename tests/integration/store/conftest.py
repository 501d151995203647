"""Servers for tests that hold on every kind of store."""

import pytest

from tests.integration.servers import Server


@pytest.fixture(params=["valkey_server", "redis7_server"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each kind in turn, empty."""
    server: Server = request.getfixturevalue(request.param)
    server.run("FLUSHALL")
    server.run("FUNCTION", "FLUSH")
    return server
