"""Servers that tests share."""

from collections.abc import Iterator

import pytest

from tests.integration.cluster import Cluster
from tests.integration.servers import Server, redis7, valkey


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Valkey for tests that leave it as it was; keys may remain."""
    with valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def redis7_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The distribution's Redis 7, likewise."""
    with redis7(tmp_path_factory.mktemp("redis7")) as server:
        yield server


@pytest.fixture(scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(_cluster: Cluster) -> Cluster:
    """Three primaries and three replicas, all well; a test may end any of them."""
    _cluster.heal()
    return _cluster
