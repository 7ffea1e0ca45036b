"""Who may come in: the owner, by bearer token or over the owner's own socket.

Everything not listed as open is closed, also what does not exist.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection
from typing import Protocol

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from avatar_appliance.errors import Unauthorized

from .connection import is_owner
from .errors import TooManyAttempts
from .failed_attempts import FailedAttempts
from .problem import refuse

_log = logging.getLogger(__name__)

_CHALLENGE = 'Bearer realm="avatar"'


class TokenVerifier(Protocol):
    """Knows the right token."""

    def verify(self, presented: bytes) -> bool:
        """Return whether this is the token, in constant time."""
        ...


class Authentication:
    """Lets requests with the right bearer token through, those on the owner's socket, and those to `open_paths`."""

    def __init__(
        self, app: ASGIApp, *, verifier: TokenVerifier, attempts: FailedAttempts, open_paths: Collection[str]
    ) -> None:
        """Wrap `app`."""
        self._app = app
        self._verifier = verifier
        self._attempts = attempts
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `unauthorized` or `too-many-attempts` unless the token is right."""
        if scope["type"] == "lifespan" or scope["path"] in self._open_paths or is_owner(scope):
            await self._app(scope, receive, send)
            return
        presented = _bearer(Headers(scope=scope))
        if presented is None:
            # Nothing was guessed, so nothing is counted.
            await refuse(
                Unauthorized("this needs the owner's token"),
                scope, receive, send, {"WWW-Authenticate": _CHALLENGE},
            )  # fmt: skip
            return
        address = scope["client"][0] if scope.get("client") else None
        # Looked at before the token: an answer that depends on it would let the guessing go on.
        if wait_s := self._attempts.wait_s(address):
            await refuse(
                TooManyAttempts("this address sent too many wrong tokens"),
                scope, receive, send, {"Retry-After": str(math.ceil(wait_s))},
            )  # fmt: skip
        elif self._verifier.verify(presented):
            await self._app(scope, receive, send)
        else:
            self._attempts.add(address)
            if self._attempts.wait_s(address):
                _log.warning("too many wrong tokens from %s: it has to wait", address or "an unknown address")
            await refuse(
                Unauthorized("this is not the owner's token"),
                scope, receive, send, {"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'},
            )  # fmt: skip


def _bearer(headers: Headers) -> bytes | None:
    values = headers.getlist("authorization")
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    # Starlette reads header bytes as latin-1; the same back gives what was sent.
    return token.strip(" ").encode("latin-1") if scheme.lower() == "bearer" and token.strip(" ") else None
