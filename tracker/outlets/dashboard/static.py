"""The files in ``pages/``, read once and served under their names."""

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from aiohttp import ETag, hdrs, web

from tracker.outlets.origins import Handler, public

TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "media-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Of a page: it runs and shows what this server has, and talks to nobody else."""

_PAGE_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


class File(NamedTuple):
    """A file as it is served."""

    body: bytes
    content_type: str
    etag: str

    @property
    def is_page(self) -> bool:
        """It is shown by itself; all else any page may load, whoever embeds it."""
        return self.content_type == TYPES[".html"]

    def answer(self, request: web.Request) -> web.Response:
        """It, or 304 when the browser has it; it must ask each time."""
        more = _PAGE_HEADERS if self.is_page else {}
        headers = {hdrs.CACHE_CONTROL: "no-cache", **more}
        known = request.if_none_match or ()
        if any(tag.value in (self.etag, "*") for tag in known):
            answer = web.Response(status=304, headers=headers)
        else:
            answer = web.Response(
                body=self.body,
                content_type=self.content_type,
                charset="utf-8",
                headers=headers,
            )
        answer.etag = ETag(self.etag)
        return answer


def _read(place: Traversable, under: str = "") -> dict[str, File]:
    """All files below *place* by their path in a URL; pages without their ``.html``."""
    found: dict[str, File] = {}
    for entry in place.iterdir():
        path = PurePosixPath(under, entry.name)
        if entry.is_dir():
            found |= _read(entry, str(path))
        elif path.suffix in TYPES:
            body = entry.read_bytes()
            etag = hashlib.sha256(body).hexdigest()[:32]
            name = path.with_suffix("") if path.suffix == ".html" else path
            found[f"/{name}"] = File(body, TYPES[path.suffix], etag)
    return found


FRONT: Final = "/index"
_FILES: Final = _read(files(__package__) / "pages")
PATHS: Final = tuple(sorted(_FILES.keys() - {FRONT}))
"""What `routes` serves; `front` is for ``/``."""


async def front(request: web.Request) -> web.StreamResponse:
    """The dashboard's page, for browsers that come to ``/``."""
    return _FILES[FRONT].answer(request)


def routes() -> list[web.RouteDef]:
    """Everything that this outlet serves beside `front`, to anybody."""
    return [web.get(path, _serving(_FILES[path])) for path in PATHS]


def _serving(file: File) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        return file.answer(request)

    return serve if file.is_page else public(serve)
