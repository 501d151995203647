"""Connecting by URL: what is accepted, and the sentence when it is not."""

import asyncio
import re
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.cluster import Cluster
from tests.integration.proxy import tcp_proxy
from tests.integration.servers import Server, free_port, valkey
from tests.integration.store.connected import HASTY, connected
from tracker.errors import ConfigError, StoreUnavailableError
from tracker.store.redis import ConnectionSettings, Keyspace, connect, parse_url


@asynccontextmanager
async def _fake(info: str) -> AsyncIterator[str]:
    """Something that answers everything with *info*; its URL."""

    async def answer(client: StreamReader, to_client: StreamWriter) -> None:
        while await client.read(1 << 16):
            to_client.write(f"${len(info)}\r\n{info}\r\n".encode())
        to_client.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        yield f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://u:hunter2@host",
        "valkey://h",
        "hunter2",
        "redis:/h",
    ],
)
def test_an_unknown_scheme_is_answered_with_the_known_ones(url: str) -> None:
    """One sentence, without what was given."""
    with pytest.raises(ConfigError) as refused:
        parse_url(url)
    assert str(refused.value) == (
        'store.url must be "embedded" or begin with one of redis://, rediss://, '
        "unix://, redis+sentinel://, rediss+sentinel://, redis+cluster://, "
        "rediss+cluster://"
    )


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://:hunter2@",
        "redis://u:hunter2",
        "redis://u:hun/ter2@host",
        "redis://u:hun#ter2@host",
        "redis://u:hun?ter2@host",
        "redis://u:hunter2@host:0",
        "redis://u:hunter2@host:65536",
        "redis://u:hunter2@host:hunter2",
        "redis://u:hunter2@host/zero",
        "redis://u:hunter2@host/0/1",
        "redis://u:hunter2@host,other",
        "redis://u:hunter2@[::1",
        "redis://u:hunter2@host?decode_responses=true",
        "redis://u:hunter2@host?hunter2",
        "redis://u:hunter2@ho st",
        "rediss://u:hunter2@host?ssl_cert_reqs=none",
        "unix://hunter2",
        "unix://u:hunter2@host/path",
        "redis+sentinel://u:hunter2@host:26379",
        "redis+sentinel://u:hunter2@host:26379/",
        "redis+sentinel://u:hunter2@host:26379/main/zero",
        "redis+cluster://u:hunter2@host:1,",
        "redis+cluster://u:hunter2@host:1,other:x",
        "redis+cluster://u:hunter2@host:1/3",
    ],
)
def test_a_url_that_cannot_be_read_is_answered_with_its_form(url: str) -> None:
    """One sentence, and never a part of the URL: it may be the password."""
    scheme = url.partition("://")[0]
    with pytest.raises(ConfigError) as refused:
        parse_url(url)
    sentence = str(refused.value)
    assert sentence.startswith(f"store.url cannot be read: write {scheme}://[user:")
    assert "hunter2" not in sentence
    assert "ter2" not in sentence


def test_nothing_that_is_printed_holds_the_password() -> None:
    """Neither a URL taken apart nor a store tells its secrets."""
    url = parse_url("redis+sentinel://u:hunter2@h/main?sentinel_password=hunter3")
    assert url.options["password"] == "hunter2"  # noqa: S105
    printed = f"{url} {url!r} {Keyspace(url, ConnectionSettings())!r}"
    assert "hunter" not in printed


def test_a_password_may_be_percent_encoded() -> None:
    """Special characters come through as they are meant."""
    url = parse_url("redis://us%3Aer:p%2F%40%23%3F:@[::1]:7000/3")
    assert url.options["username"] == "us:er"
    assert url.options["password"] == "p/@#?:"  # noqa: S105
    assert url.options["db"] == 3
    assert url.seeds == (("::1", 7000),)


async def test_nobody_there(tmp_path: Path) -> None:
    """An unreachable store is named, without the password."""
    port = free_port()
    for url in (f"redis://u:hunter2@127.0.0.1:{port}", f"unix://{tmp_path}/none"):
        with pytest.raises(StoreUnavailableError) as refused:
            await connect(url, HASTY)
        assert url.replace("u:hunter2@", "") in str(refused.value)
        assert not str(refused.value).endswith(".")
        assert "hunter2" not in repr(refused.value) + repr(refused.value.__cause__)


async def test_nobody_there_in_any_mode() -> None:
    """Sentinels and Cluster nodes that are away are told in the same way."""
    port = free_port()
    for url in (
        f"redis+sentinel://127.0.0.1:{port}/main",
        f"redis+cluster://127.0.0.1:{port},127.0.0.1:{port}",
    ):
        with pytest.raises(StoreUnavailableError, match=f"127\\.0\\.0\\.1:{port}"):
            await connect(url, HASTY)


async def test_a_wrong_password_is_a_matter_of_settings(tmp_path: Path) -> None:
    """It is a ConfigError that does not repeat the password."""
    with valkey(tmp_path) as server:
        server.run("CONFIG", "SET", "requirepass", "right")
        for user in ("", "default:hunter2@", "u:hunter2@"):
            with pytest.raises(ConfigError, match=r"see store\.url") as refused:
                await connect(f"redis://{user}{server.address}")
            assert "hunter2" not in str(refused.value)
        async with connected(f"redis://:right@{server.address}") as store:
            assert await store.call("k", "SET", "k", "v") == b"OK"


async def test_a_password_that_nobody_asks_for_is_told(valkey_server: Server) -> None:
    """In one sentence, whatever stood behind it."""
    url = f"redis://:hunter2@{valkey_server.address}"
    with pytest.raises(ConfigError, match=r"for the default user; see store\.url$"):
        await connect(url)


async def test_too_old_a_server_is_refused() -> None:
    """Redis before 7 and Valkey before 8 lack what tracker needs."""
    for kind, version in (("redis", "6.2.14"), ("valkey", "7.2.9")):
        async with _fake(f"{kind}_version:{version}\r\n") as url:
            with pytest.raises(
                ConfigError, match=f"is {kind} {re.escape(version)}, older"
            ):
                await connect(url)


async def test_a_url_for_another_kind_of_server(
    cluster: Cluster, valkey_server: Server
) -> None:
    """One server, Sentinels and a Cluster are not mistaken for each other."""
    for url, reason in (
        (cluster.nodes[0].url, "runs in cluster mode"),
        (f"redis+cluster://{valkey_server.address}", "cluster support disabled"),
        (f"redis+sentinel://{valkey_server.address}/main", "unknown command"),
        (f"{valkey_server.url}/99", "out of range"),
    ):
        with pytest.raises(ConfigError, match=reason):
            await connect(url)


async def test_a_replica_is_refused(tmp_path: Path, valkey_server: Server) -> None:
    """A store that cannot write will not do."""
    replicates = ("--replicaof", f"127.0.0.1 {valkey_server.port}")
    with (
        valkey(tmp_path, *replicates) as replica,
        pytest.raises(ConfigError) as refused,
    ):
        await connect(replica.url)
    assert "is a replica: let store.url name the primary" in str(refused.value)


async def test_redis_7_serves(redis7_server: Server) -> None:
    """The oldest that is promised has all that is used here."""
    async with connected(redis7_server.url) as store:
        assert (store.kind, store.version[0]) == ("redis", "7")
        await _use_everything(store)


async def test_valkey_serves(valkey_server: Server) -> None:
    """Likewise the one tracker carries."""
    async with connected(f"{valkey_server.url}/3") as store:
        assert store.kind == "valkey"
        await _use_everything(store)


async def test_a_cluster_serves(cluster: Cluster) -> None:
    """Likewise a Cluster, wherever a key lies."""
    async with connected(cluster.url) as store:
        await _use_everything(store)
        assert len(await store.primaries("PING")) == 3


async def _use_everything(store: Keyspace) -> None:
    library = "#!lua name=probe\nredis.register_function('probe', function(keys, args)"
    library += " return redis.call('INCRBY', keys[1], args[1]) end)"
    answers = await store.primaries("FUNCTION", "LOAD", "REPLACE", library)
    assert set(answers.values()) == {b"probe"}
    for key in ("{a}", "{b}", "{c}", "{d}"):
        await store.call(key, "DEL", f"{key}n", f"{key}s")
        commands = [("INCR", f"{key}n"), ("GET", f"{key}n"), ("GET", f"{key}none")]
        assert await store.pipeline(key, commands) == [1, b"1", None]
        assert await store.fcall("probe", [f"{key}n"], [41]) == 42
        async with store.tail(f"{key}s") as read:
            id_ = await store.call(f"{key}s", "XADD", f"{key}s", "*", "f", "v")
            block = ("XREAD", "BLOCK", 1000, "STREAMS", f"{key}s", "0")
            assert await read(*block) == [[f"{key}s".encode(), [[id_, [b"f", b"v"]]]]]
    assert abs(await store.time_ms() - await store.time_ms("{a}")) < 60_000


async def test_tls_is_verified(tmp_path: Path, valkey_server: Server) -> None:
    """rediss:// trusts what it is told to trust, and nothing else."""
    certificate = _certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with tcp_proxy(valkey_server.port, tls=context) as proxy:
        url = f"rediss://localhost:{proxy.port}"
        async with connected(f"{url}?ssl_ca_certs={certificate}") as store:
            assert await store.call("", "PING") == b"PONG"
        with pytest.raises(StoreUnavailableError, match="certificate verify failed"):
            await connect(url)


def _certificate(directory: Path) -> Path:
    """Key and certificate of localhost, its own authority, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = directory / "localhost.pem"
    path.write_bytes(private + certificate.public_bytes(pem))
    return path
