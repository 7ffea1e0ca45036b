"""Sound leaves hardly faster than it can be heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

LEAD_S: Final = 30.0
"""So much may wait in the browser. More would only be for its memory, and made for nothing where somebody says stop."""


class Pace:
    """Counts the sound that left, from the first of it on."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._began_s: float | None = None
        self._left_s = 0.0

    async def wait(self, duration_s: float) -> None:
        """Wait until sound of `duration_s` may leave, and count it."""
        if self._began_s is None:
            self._began_s = self._clock()
        ahead_s = self._left_s - (self._clock() - self._began_s)
        if ahead_s > LEAD_S:
            await self._sleep(ahead_s - LEAD_S)
        self._left_s += duration_s
