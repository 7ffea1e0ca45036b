"""The panel's files: one document for all pages, and what it loads. Nothing in them is private.

Every page is the same document; its modules (`static/pages/`, one file each) fetch their data from the API, which wants
the owner's token. So the files need none, and a browser that is not signed in is shown the form for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STATIC: Final = Path(__file__).parent / "static"
PAGES: Final = ("/", "/chat", "/history", "/voices")
"""The paths of the pages; `static/app.js` says which module shows which."""

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS: Final = {
    # Scripts, styles and data from here and from nowhere else; no script or style within a document.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    # Kept, and asked about each time: after an upgrade nobody sees a mixture of two releases.
    "Cache-Control": "no-cache",
}


def open_paths() -> frozenset[str]:
    """Return the paths that need no token."""
    return frozenset(_files())


def mount_panel(app: FastAPI) -> None:
    """Serve the pages and their files, as they are now: no request can name another, or mix two releases."""
    for path, file in _files().items():
        app.router.routes.append(Route(path, _sender(file), methods=["GET"], include_in_schema=False))


def _files() -> dict[str, Path]:
    found = {f"/static/{file.relative_to(STATIC).as_posix()}": file for file in STATIC.rglob("*") if _is_served(file)}
    return {**found, **dict.fromkeys(PAGES, STATIC / "index.html")}


def _is_served(file: Path) -> bool:
    return file.suffix in _TYPES and file.name != "index.html"


def _sender(file: Path) -> Callable[[Request], Awaitable[Response]]:
    content = file.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**_HEADERS, "ETag": tag}

    async def send(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(content, media_type=_TYPES[file.suffix], headers=headers)

    return send
