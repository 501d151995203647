"""Where requests may go that somebody else has named: the guard against our network.

A URL is refused for what it says; a name, for any address that it has. What was looked
at is what is connected to: no name is looked up twice for one connection.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from tracker.errors import OutletError

MAX_URL: Final = 2048
MOST_LOOK_UPS: Final = 200
"""At a time, each in a thread."""

_VISIBLE: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # no blank, no backslash
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*")
_OURS: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "corp")
"""Names below these are of somebody's own network."""

_HTTPS: Final = 443
_FIRST_FREE: Final = 1024

_REFUSED: Final = tuple(
    map(
        ip_network,
        (
            "100.64.0.0/10",  # carriers' own, and a cloud's metadata
            "168.63.129.16/32",  # a cloud's wire server, on a public address
            "192.0.0.0/24",
            "192.88.99.0/24",  # 6to4 relays
            "198.18.0.0/15",
            "fec0::/10",  # site-local, as it once was
            "2001::/23",  # among them Teredo, which holds an address of version 4
        ),
    )
)
_TRANSLATED: Final = tuple(
    map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96"))
)
"""NAT64, what it translated, and the first form of all: the last 32 bits count."""

_ISATAP: Final = (0x00005EFE, 0x02005EFE)

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""All addresses of a name."""


class EgressRefusedError(OutletError):
    """Nothing is sent there; the message says why, and can be told to anybody."""


class LookUps:
    """Asks for each name in a thread of its own, where it keeps nobody else waiting.

    All who ask for the same name meanwhile get the same answer. A name server that
    keeps silent does not keep the process from its end, either.
    """

    def __init__(self) -> None:
        self._asked: dict[str, Future[list[str]]] = {}

    @property
    def under_way(self) -> int:
        """How many names are being looked up."""
        return len(self._asked)

    async def __call__(self, host: str, port: int) -> list[str]:
        """All addresses that this machine knows of *host*.

        Raises:
            OSError: None.
        """
        answer = self._asked.get(host)
        if answer is None:
            if len(self._asked) >= MOST_LOOK_UPS:
                raise OSError("too many names are being looked up")
            answer = self._asked[host] = Future()
            answer.add_done_callback(lambda _: self._asked.pop(host, None))
            self._begin(answer, host, port)
        found = asyncio.wrap_future(answer)
        found.add_done_callback(lambda one: one.cancelled() or one.exception())
        return await asyncio.shield(found)

    @staticmethod
    def _begin(answer: Future[list[str]], host: str, port: int) -> None:
        asking = Thread(target=_answer, args=(answer, host, port), daemon=True)
        try:
            asking.start()
        except RuntimeError as error:
            answer.set_exception(OSError(str(error)))


def _answer(answer: Future[list[str]], host: str, port: int) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.set_result(list(dict.fromkeys(str(at[0]) for *_, at in found)))
    except OSError as error:
        answer.set_exception(error)
    except BaseException as error:  # noqa: BLE001 - or all would wait for it for ever
        answer.set_exception(OSError(f"it cannot be looked up: {error}"))


look_up: Final = LookUps()


@lru_cache(maxsize=4096)
def vet_url(url: str, *, allow_loopback: bool = False) -> tuple[str, int]:
    """The host and port of *url*, which may be sent to as far as it says itself.

    Args:
        url: Absolute.
        allow_loopback: This machine may be meant, also by plain http.

    Raises:
        EgressRefusedError: Why not.
    """
    if len(url) > MAX_URL or not _VISIBLE.fullmatch(url):
        message = f"an address is {MAX_URL} visible ASCII characters at most"
        raise EgressRefusedError(message)
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise EgressRefusedError("it is no address of the Web") from error
    if parts.scheme != "https" and not (allow_loopback and parts.scheme == "http"):
        raise EgressRefusedError("only https:// is sent to")
    if "@" in parts.netloc:
        raise EgressRefusedError("an address with a user or a password is not sent to")
    if "#" in url:
        raise EgressRefusedError("an address with a fragment is not sent to")
    _vet_host(host, is_literal="[" in parts.netloc, allow_loopback=allow_loopback)
    return host, _vet_port(parts.scheme, port, host)


def _vet_host(host: str, *, is_literal: bool, allow_loopback: bool) -> None:
    if is_literal:
        vet_address(host, allow_loopback=allow_loopback)
        return
    labels = host.split(".")
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):  # noqa: PLR2004 RFC 1035
        raise EgressRefusedError("its host is no name; write others as Punycode")
    if _NUMBER.fullmatch(labels[-1]):
        if not re.fullmatch(r"(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}", host):
            raise EgressRefusedError("its host is an address in an unusual form")
        vet_address(host, allow_loopback=allow_loopback)
    elif labels[-1] in _OURS and not (allow_loopback and host == "localhost"):
        raise EgressRefusedError("its host is a name of one's own network")


def _vet_port(scheme: str, port: int | None, host: str) -> int:
    if scheme == "http":
        if not is_own(host):
            raise EgressRefusedError("http:// is for this machine only")
        return port or 80
    if port is not None and port != _HTTPS and port < _FIRST_FREE:
        message = f"its port must be {_HTTPS}, or {_FIRST_FREE} or higher"
        raise EgressRefusedError(message)
    return port or _HTTPS


def is_own(host: str) -> bool:
    """It names this machine and nothing else."""
    try:
        return _is_loopback(ip_address(host))
    except ValueError:
        return host == "localhost"


def vet_address(text: str, *, allow_loopback: bool = False) -> None:
    """Return when the address may be connected to.

    Raises:
        EgressRefusedError: Why not.
    """
    try:
        address = ip_address(text)
    except ValueError as error:
        raise EgressRefusedError("it is no address of the Internet") from error
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise EgressRefusedError("an address with a zone is of one's own network")
    for one in (address, *_embedded(address)):
        if allow_loopback and _is_loopback(one) and one is address:
            continue
        refused = any(one.version == net.version and one in net for net in _REFUSED)
        if refused or one.is_multicast or not one.is_global:
            message = f"{_kind(one)} addresses are not sent to"
            raise EgressRefusedError(message)


def _is_loopback(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is one as written; from 3.13 on Python says so of mapped ones, too."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped is None and address.is_loopback


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The addresses of version 4 that one of version 6 stands for."""
    if isinstance(address, IPv4Address) or _is_loopback(address):
        return []
    number = int(address)
    found = [address.ipv4_mapped, address.sixtofour]
    if any(address in network for network in _TRANSLATED):
        found.append(IPv4Address(number & 0xFFFFFFFF))
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        found.append(IPv4Address(number & 0xFFFFFFFF))
    return [one for one in found if one is not None]


def _kind(address: IPv4Address | IPv6Address) -> str:
    for kind in ("loopback", "link_local", "multicast", "unspecified", "reserved"):
        if getattr(address, f"is_{kind}"):
            return kind.replace("_", "-")
    return "private" if address.is_private else "special"


class Guard(AbstractResolver):
    """Looks names up for connections, and answers only when every address will do.

    Args:
        allow_loopback: This machine may be meant.
        lookup: For tests.
    """

    def __init__(self, *, allow_loopback: bool, lookup: Lookup = look_up) -> None:
        self._allow_loopback = allow_loopback
        self._lookup = lookup

    async def vet(self, url: str) -> None:
        """Look at *url* and at every address that its host has now.

        Raises:
            EgressRefusedError: Nothing is sent there.
        """
        host, port = vet_url(url, allow_loopback=self._allow_loopback)
        try:
            await self.addresses(host, port)
        except OSError as error:
            raise EgressRefusedError("its host is not known") from error

    def vet_url(self, url: str) -> None:
        """Look at what *url* says itself; see `tracker.outlets.egress.vet_url`."""
        vet_url(url, allow_loopback=self._allow_loopback)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Those of *host*, of which every single one will do.

        Raises:
            EgressRefusedError: One will not.
            OSError: There is none.
        """
        try:
            ip_address(host)
        except ValueError:
            found = list(await self._lookup(host, port))
        else:
            found = [host]
        if not found:
            raise OSError("no addresses")
        for address in found:
            vet_address(address, allow_loopback=self._allow_loopback)
        return found

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        """As aiohttp asks, once for every connection."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=_family(address),
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self.addresses(host, port)
            if family in (socket.AF_UNSPEC, _family(address))
        ]

    async def close(self) -> None:
        """There is nothing to close."""


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
