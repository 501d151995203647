"""What goes out and comes back, and holds what is not for who carries it."""

from secrets import token_bytes
from typing import Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.util import json_b64encode

SECRET_BYTES: Final = 32
_HEADER: Final = {"alg": "dir", "enc": "A256GCM"}
_HEAD: Final = f"{json_b64encode(_HEADER).decode()}."


class Seal:
    """Of all processes that have the same secret.

    Args:
        secret: `SECRET_BYTES` of it; None = this process's own.
    """

    def __init__(self, secret: bytes | None = None) -> None:
        self._key = OctKey.import_key(secret or token_bytes(SECRET_BYTES))

    def close(self, text: str) -> str:
        """*text*, fit for an address, that nobody else can read or change."""
        return jwe.encrypt_compact(_HEADER, text, self._key)

    def open(self, sealed: str) -> str:
        """The text in what `close` made.

        Raises:
            ValueError: Nobody of ours has closed it.
        """
        if not sealed.startswith(_HEAD):
            raise ValueError("it is none of ours")
        try:
            opened = jwe.decrypt_compact(sealed, self._key, list(_HEADER.values()))
        except JoseError as error:
            raise ValueError("it is none of ours") from error
        return (opened.plaintext or b"").decode()
