"""Asking a worker again that is not there yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from avatar_appliance.client import ServerError
from avatar_appliance.errors import AvatarError

Result = TypeVar("Result")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
# What a worker says that may be otherwise in a moment: it has not read the index yet, or others are before us.
_PASSING = frozenset({"voice-unknown", "worker-busy", "server-full", "worker-loading", "shutting-down"})


async def patiently(ask: Callable[[], Awaitable[Result]], patience_s: float) -> Result:
    """Return what `ask` returns, within about `patience_s`; raises its last AvatarError, or one that will not pass."""
    loop = asyncio.get_running_loop()
    until_s, pause_s = loop.time() + patience_s, _FIRST_PAUSE_S
    while True:
        try:
            return await ask()
        except AvatarError as error:
            passing = error.server_code in _PASSING if isinstance(error, ServerError) else error.retryable
            if not passing or loop.time() + pause_s > until_s:
                raise
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def reason_of(error: AvatarError) -> str:
    """Return the code that says most."""
    return (error.server_code or error.code) if isinstance(error, ServerError) else error.code
