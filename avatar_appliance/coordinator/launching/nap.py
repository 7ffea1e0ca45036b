"""Having a worker sleep and wake, with an end to patience."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from avatar_appliance.coordinator.launcher import LaunchFailed
from avatar_appliance.processes.protocol import ProcessManager

from .failure import refused
from .life import while_up
from .sleeper import Sleeper, SleepRefused

ASK_TIMEOUT_S = 5.0
"""How long a worker may take to say whether it sleeps."""
NAP_TIMEOUT_S = 120.0
"""How long falling asleep may take: requests that run are waited for, and the first time pins memory for seconds."""


async def put_to_sleep(manager: ProcessManager, worker: str, sleeper: Sleeper) -> None:
    """Return when the worker sleeps; raises LaunchFailed where it does not."""
    await _settled(manager, worker, sleeper, sleeper.sleep(), asleep=True)


async def wake_up(manager: ProcessManager, worker: str, sleeper: Sleeper) -> None:
    """Return when the worker is awake, though not probed; raises LaunchFailed where it sleeps on."""
    await _settled(manager, worker, sleeper, sleeper.wake(), asleep=False)


async def sleeps(sleeper: Sleeper) -> bool | None:
    """Return whether the worker sleeps; None where it does not say."""
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            return await sleeper.is_sleeping()
    except (SleepRefused, TimeoutError):
        return None


async def _settled(
    manager: ProcessManager, worker: str, sleeper: Sleeper, work: Coroutine[Any, Any, None], *, asleep: bool
) -> None:
    try:
        async with asyncio.timeout(NAP_TIMEOUT_S):
            await while_up(manager, worker, work)
    except TimeoutError:
        if await sleeps(sleeper) is not asleep:
            raise LaunchFailed("timeout", f"no answer within {NAP_TIMEOUT_S:g} s") from None
    except SleepRefused as error:
        if await sleeps(sleeper) is not asleep:  # it may have done it all the same
            raise refused(error.text, otherwise="unavailable") from None
