"""What our HTTP servers say about a connection, beyond what ASGI does. No client can set these."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

OWNER = "avatar.owner"
"""True where the connection itself proves the owner: the unix socket that only this user may open."""
CLOSING = "avatar.closing"
"""An asyncio.Event that is set when the server stops: endless responses end then."""


class Announced:
    """Adds to the scope of every request what is known of its connection."""

    def __init__(self, app: ASGIApp, facts: Mapping[str, Any]) -> None:
        """Wrap `app`."""
        self._app = app
        self._facts = facts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await self._app({**scope, **self._facts}, receive, send)


def is_owner(scope: Scope) -> bool:
    """Return whether the connection itself proves that the owner asks."""
    return scope.get(OWNER) is True


def closing(scope: Scope) -> asyncio.Event:
    """Return the event that is set when the server stops; where nobody announced one, it never is."""
    event = scope.get(CLOSING)
    return event if isinstance(event, asyncio.Event) else asyncio.Event()
