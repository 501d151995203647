"""Keys of entities, and the partition each one lies in.

A key is ``provider/account`` (account), ``provider/account/source`` (source) or
``provider/account/id`` (call, media, export), each part percent-encoded. The kind is
told beside the key: a source and a call may share one.
"""

from functools import lru_cache
from urllib.parse import quote, unquote
from zlib import crc32

from tracker.domain.terms import Kind


def make_key(*parts: str) -> str:
    """Join *parts*, each percent-encoded, so that no part can forge a slash."""
    return "/".join(map(_encoded, parts))


@lru_cache(maxsize=4096)
def _encoded(part: str) -> str:
    """Most parts come again and again: providers, accounts, agents."""
    return quote(part, safe="")


def split_key(key: str) -> tuple[str, ...]:
    """The parts of *key*, decoded."""
    return tuple([_decoded(part) for part in key.split("/")])


@lru_cache(maxsize=4096)
def _decoded(part: str) -> str:
    return unquote(part)


def account_of(key: str) -> str:
    """The account's key, of any entity's key: its first two parts."""
    return "/".join(key.split("/", 2)[:2])


def partition_of(kind: Kind, key: str, partitions: int) -> int:
    """The partition that owns an entity; sources lie with their account."""
    owner = account_of(key) if kind in ("source", "account") else key
    return crc32(owner.encode()) % partitions
