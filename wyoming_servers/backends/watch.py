"""Keeps in memory what each worker offers, so that `describe` never waits for one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from wyoming.info import Info

from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect

from .offers import Offers
from .wyoming_worker import WyomingWorkerLink

_LOGGER = logging.getLogger(__name__)

# Quick while something is unknown (a worker that starts), slow once all is known (voices may still be added).
UNKNOWN_INTERVAL_S = 0.25
KNOWN_INTERVAL_S = 10.0


class WorkerWatch:
    """Asks each worker for its `info` again and again, and never starts one.

    The last answer stays valid while a worker is away, stopped or asleep, also that of an earlier life of ours: Home
    Assistant must not see voices come and go with the memory they need.
    """

    def __init__(self, links: Sequence[WyomingWorkerLink], offers: Offers) -> None:
        self._links = list(links)
        self._offers = offers
        self._infos: dict[str, Info] = {}
        self._listeners: list[Callable[[], None]] = []
        self._answered = asyncio.Condition()

    @property
    def names(self) -> list[str]:
        """Workers in ladder order."""
        return [link.name for link in self._links]

    @property
    def all_known(self) -> bool:
        """Whether every worker has answered at least once, in any life of ours."""
        return len(self._infos) == len(self._links)

    @property
    def unknown(self) -> list[str]:
        """Workers that have never answered, in ladder order."""
        return [link.name for link in self._links if link.name not in self._infos]

    def info(self, worker: str) -> Info | None:
        """Return what the worker said last, or None before it ever answered."""
        return self._infos.get(worker)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever some worker's offer changed."""
        self._listeners.append(listener)

    async def wait_first(self) -> None:
        """Wait until the first rung has answered once: then the offer is worth announcing."""
        await self.wait_until(lambda: self._links[0].name in self._infos)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; it is looked at after each worker's answer."""
        async with self._answered:
            await self._answered.wait_for(condition)

    async def run(self) -> None:
        """Watch until cancelled."""
        for link in self._links:
            self._recall(link)
        async with self._answered:
            self._answered.notify_all()
        async with asyncio.TaskGroup() as group:
            for link in self._links:
                group.create_task(self._watch(link), name=f"watch {link.name}")

    async def _watch(self, link: WyomingWorkerLink) -> None:
        while True:
            try:
                info = await link.describe()
                if self._learn(link.name, info):
                    await asyncio.to_thread(self._offers.write, link.name, link.engine, info)
            except AvatarError as error:
                _LOGGER.debug("worker %s: %s", link.name, error.code)
                await asyncio.sleep(UNKNOWN_INTERVAL_S)
                continue
            except OSError as error:
                _LOGGER.warning("the offer of worker %s cannot be kept: %s", link.name, error.strerror)
            except Exception as error:  # noqa: BLE001 - a worker that describes itself absurdly must not end the watch
                log_defect(_LOGGER, f"cannot use what worker {link.name} offers", error)
            async with self._answered:
                self._answered.notify_all()
            await asyncio.sleep(KNOWN_INTERVAL_S)

    def _recall(self, link: WyomingWorkerLink) -> None:
        """Take the offer of an earlier life until the worker tells a newer one."""
        info = self._offers.read(link.name, link.engine)
        if info is None:
            return
        try:
            self._learn(link.name, info)
        except Exception as error:  # noqa: BLE001 - whatever was in that file, it must not keep the server from starting
            log_defect(_LOGGER, f"cannot use what worker {link.name} offered earlier", error)

    def _learn(self, worker: str, info: Info) -> bool:
        """Take a worker's offer; return whether it is news."""
        before = self._infos.get(worker)
        if info == before:
            return False
        self._infos[worker] = info
        try:
            for listener in self._listeners:
                listener()
        except Exception:
            # Back to what worked: the listeners build from all workers, and the others' offers must not suffer.
            if before is None:
                del self._infos[worker]
            else:
                self._infos[worker] = before
            raise
        return True
