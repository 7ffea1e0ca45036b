"""Who may come in: the owner, by bearer token, by the cookie of a browser that brought it, or over the own socket.

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

from .bearer import bearer_in
from .connection import is_owner
from .errors import NotFromThePanel, TooManyAttempts
from .failed_attempts import FailedAttempts
from .problem import refuse
from .session_cookie import is_from_our_page, token_in

_log = logging.getLogger(__name__)

_CHALLENGE = 'Bearer realm="avatar"'


class TokenVerifier(Protocol):
    """Knows the right token."""

    def verify(self, presented: bytes) -> bool:
        """Return whether this is the token, in constant time."""
        ...


class Authentication:
    """Lets requests with the right token through, those on the owner's socket, and those to `open_paths`."""

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
        headers = Headers(scope=scope)
        presented, kept = bearer_in(headers), token_in(headers)
        if presented is None and kept is not None:
            if not is_from_our_page(scope.get("method", "GET"), headers):
                await refuse(NotFromThePanel("no page of the panel sent this"), scope, receive, send)
                return
            presented = kept
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
