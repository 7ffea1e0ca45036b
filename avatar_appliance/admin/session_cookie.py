"""The cookie by which a browser keeps the owner's token: pages, and the sounds they play, need no header then.

The token itself is in it: nothing is stored for it here, and another token ends every session. No script can read it,
and no other site can send it along. Pages of another program on this machine count as the same site, so whatever
changes something must also come from a page of ours (`Origin`, which browsers always send with such requests).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response

NAME: Final = "avatar_token"
MAX_AGE_S: Final = 90 * 24 * 3600
_READING: Final = frozenset({"GET", "HEAD"})


def token_in(headers: Headers) -> bytes | None:
    """Return the token that a browser sends along, if it does."""
    values = headers.getlist("cookie")
    token = cookie_parser(values[0]).get(NAME) if len(values) == 1 else None
    return token.encode("latin-1", errors="replace") if token else None


def is_from_our_page(method: str, headers: Headers) -> bool:
    """Return whether a request with the cookie is one that a page of ours makes."""
    if method in _READING:
        return True
    origins, host = headers.getlist("origin"), headers.get("host")
    return len(origins) == 1 and host is not None and urlsplit(origins[0]).netloc.lower() == host.lower()


def came_encrypted(scheme: str, headers: Headers) -> bool:
    """Return whether the browser sent this over TLS, to us or to a front: the `Origin` of its page says so."""
    return scheme == "https" or headers.get("origin", "").lower().startswith("https://")


def keep(response: Response, token: str, *, secure: bool) -> None:
    """Have the browser keep the token; `secure`: it was sent encrypted, and shall never be sent otherwise."""
    response.set_cookie(NAME, token, max_age=MAX_AGE_S, httponly=True, samesite="strict", secure=secure)


def drop(response: Response) -> None:
    """Have the browser forget it."""
    response.delete_cookie(NAME, httponly=True, samesite="strict")
