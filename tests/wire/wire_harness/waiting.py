"""Waiting for conditions, never for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE_S = 10.0
"""A loaded machine is slow; a passing test never waits this long."""
PROMPT_S = 0.15
"""How soon work must stop when its client is gone."""


async def until(condition: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
    """Return as soon as `condition` holds; raises TimeoutError when it never does."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.002)


async def seconds_until(act: Callable[[], object], condition: Callable[[], object]) -> float:
    """Return how long after `act` the condition holds."""
    began = asyncio.get_running_loop().time()
    act()
    await until(condition)
    return asyncio.get_running_loop().time() - began


async def quickest(attempt: Callable[[], Awaitable[float]], tries: int = 5) -> float:
    """Return the best of a few tries: a loaded machine makes one slow now and then, a defect all of them."""
    best = await attempt()
    for _ in range(tries - 1):
        if best < PROMPT_S:
            break
        best = min(best, await attempt())
    return best
