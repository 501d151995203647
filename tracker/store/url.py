"""The URL of a store: how it is written, and what it says."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)

from tracker.errors import ConfigError

Address = tuple[str, int]
"""Host and port; of a socket its path and 0."""

_PORTS = range(1, 1 << 16)
_USER = r"(?:(?P<username>[^:/?#@]*)(?::(?P<password>[^/?#]*))?@)?"
_DB = r"(?:/(?P<db>\d*))?"
_FORMS = {
    "standalone": ("host:port[/db]", rf"{_USER}(?P<hosts>[^/?#@,]+){_DB}"),
    "socket": ("/path/of/socket", rf"{_USER}(?P<hosts>/[^?#]+)"),
    "sentinel": (
        "host:port,host:port/master-name[/db]",
        rf"{_USER}(?P<hosts>[^/?#@]+)/(?P<master>[^/?#]+){_DB}",
    ),
    "cluster": ("host:port,host:port", rf"{_USER}(?P<hosts>[^/?#@]+)(?:/0?)?"),
}
_HOST = r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:\s]+))(?::(?P<port>\d{1,5}))?"
_TLS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname")
_SENTINEL = ("sentinel_username", "sentinel_password")
_SCHEMES: dict[str, tuple[str, type[AbstractConnection], tuple[str, ...]]] = {
    "redis": ("standalone", Connection, ()),
    "rediss": ("standalone", SSLConnection, _TLS),
    "unix": ("socket", UnixDomainSocketConnection, ()),
    "redis+sentinel": ("sentinel", Connection, _SENTINEL),
    "rediss+sentinel": ("sentinel", SSLConnection, (*_SENTINEL, *_TLS)),
    "redis+cluster": ("cluster", Connection, ()),
    "rediss+cluster": ("cluster", SSLConnection, _TLS),
}


@dataclass(frozen=True)
class StoreUrl:
    """A store's URL, taken apart; no text form of it holds credentials."""

    text: str
    mode: str
    seeds: tuple[Address, ...]
    master: str
    connection: type[AbstractConnection]
    options: dict[str, Any] = field(repr=False)
    sentinel_options: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return self.text


def parse_url(url: str) -> StoreUrl:
    """Take the URL of a store apart.

    Raises:
        ConfigError: It has another form. What was given is never repeated: any part
            of a mistyped URL may be a password.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES:
        schemes = ", ".join(f"{known}://" for known in _SCHEMES)
        message = f'store.url must be "embedded" or begin with one of {schemes}'
        raise ConfigError(message)
    mode, connection, allowed = _SCHEMES[scheme]
    form, pattern = _FORMS[mode]
    matched = re.fullmatch(rf"{pattern}(?:\?(?P<query>[^#]*))?", rest)
    parts = matched.groupdict() if matched else {}
    query = dict(parse_qsl(parts.get("query") or "", keep_blank_values=True))
    seeds = _seeds(parts.get("hosts", ""), 26379 if mode == "sentinel" else 6379)
    if not seeds or not query.keys() <= set(allowed):
        options = f" with no options but {', '.join(allowed)}" if allowed else ""
        message = (
            f"store.url cannot be read: write {scheme}://[user:password@]{form}"
            f"{options}, and percent-encode special characters in the password"
        )
        raise ConfigError(message)
    tls: dict[str, Any] = {name: query[name] for name in _TLS if name in query}
    if "ssl_check_hostname" in tls:
        tls["ssl_check_hostname"] = tls["ssl_check_hostname"] != "false"
    user = {name: unquote(parts[name] or "") for name in ("username", "password")}
    sentinel_user = {name: query.get(f"sentinel_{name}") for name in user}
    return StoreUrl(
        text=f"{scheme}://{','.join(map(name_of, seeds))}",
        mode=mode,
        seeds=seeds,
        master=unquote(parts.get("master") or ""),
        connection=connection,
        options={**user, "db": int(parts.get("db") or 0), **tls},
        sentinel_options={**sentinel_user, **tls},
    )


def _seeds(hosts: str, default_port: int) -> tuple[Address, ...]:
    """The addresses in *hosts*; none when one of them cannot be read."""
    if hosts.startswith("/"):
        return ((unquote(hosts), 0),)
    found = [re.fullmatch(_HOST, host) for host in hosts.split(",")]
    seeds = [
        (match["v6"] or match["name"], int(match["port"] or default_port))
        for match in found
        if match
    ]
    readable = len(seeds) == len(found) and all(port in _PORTS for _, port in seeds)
    return tuple(seeds) if readable else ()


def name_of(address: Address) -> str:
    """How an address is shown."""
    host, port = address
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else host
