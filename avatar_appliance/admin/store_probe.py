"""Whether the store can be written, found out by writing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect
from avatar_appliance.store import Database

_log = logging.getLogger(__name__)


class StoreProbe:
    """Writes a header field of the database as it is: one page, and `fresh_s` long not again.

    Anybody may ask (health needs no token), so the result is shared and the writer is left in peace meanwhile.
    """

    def __init__(
        self,
        database: Database,
        *,
        fresh_s: float = 5.0,
        wait_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Probe `database`; who asks waits at most `wait_s`."""
        self._database = database
        self._fresh_s = fresh_s
        self._wait_s = wait_s
        self._clock = clock
        self._running: asyncio.Task[None] | None = None
        self._tried_at: float | None = None
        self._writable = False

    async def is_writable(self) -> bool:
        """Return whether the last write worked; a write that takes longer than `wait_s` did not."""
        if self._running is None and (self._tried_at is None or self._clock() - self._tried_at >= self._fresh_s):
            self._running = asyncio.create_task(self._probe(), name="store probe")
        if self._running is not None:
            # wait() leaves the task alone when the time is over: the next one to ask finds it.
            done, _ = await asyncio.wait({self._running}, timeout=self._wait_s)
            if not done:
                return False
        return self._writable

    async def _probe(self) -> None:
        self._writable = False
        try:
            async with self._database.transaction() as transaction:
                version = (await transaction.fetch_all("PRAGMA user_version"))[0][0]
                # An empty transaction would succeed on a full or read-only disk: this writes the page.
                await transaction.execute(f"PRAGMA user_version = {int(version)}")
            self._writable = True
        except AvatarError as error:
            _log.warning("the store cannot be written: %s (%s)", error.text, error.code)
        except Exception as error:  # noqa: BLE001 - a probe answers, whatever is wrong
            log_defect(_log, "defect while probing the store", error)
        finally:
            self._tried_at = self._clock()
            self._running = None
