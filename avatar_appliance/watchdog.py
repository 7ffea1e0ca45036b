"""Feed systemd's watchdog for as long as we are well: sd_watchdog_enabled(3), WatchdogSec= in the units.

What `alive` asks must be mended by a restart (an event loop that hangs, a server that takes no connection any more),
and nothing else: a full disk or a worker that is away would only have us restarted for ever.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable

from .log import log_defect
from .notify import notify

_LOGGER = logging.getLogger(__name__)


def watchdog_interval_s() -> float | None:
    """Return how often to say that we are well: twice as often as we must; None if nobody watches this process."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()) or not microseconds.isdecimal():
        return None
    return int(microseconds) / 2e6 or None


async def feed_watchdog(alive: Callable[[], Awaitable[object]]) -> None:
    """Say that we are well, each time that `alive()` returned; any exception of it means that we are not.

    Runs until cancelled, and returns at once where nobody watches. `alive` gets as long as the watchdog has patience.
    """
    interval_s = watchdog_interval_s()
    while interval_s is not None:
        try:
            async with asyncio.timeout(interval_s):
                await alive()
        except Exception as error:  # noqa: BLE001 - whatever it is, we are not well, and systemd shall know by our silence
            log_defect(_LOGGER, "not well: the watchdog is not fed", error)
        else:
            notify(WATCHDOG="1")
        await asyncio.sleep(interval_s)
