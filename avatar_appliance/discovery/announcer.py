"""Keeps the network informed of our services: start, announce, follow every change of address, say goodbye.

One task owns the responder; the methods only say what is wanted and wait until that task has seen to it.
Nothing that happens to the network leaves this class as an exception: `status()` says what is wrong, and it
is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from avatar_appliance import __version__

from . import notices
from .announcement import ServiceAnnouncement
from .identity import MachineIdentity
from .network import Network
from .responder import MAX_ATTEMPTS, Responder, ServiceRecord
from .selection import Policy, Selection, select
from .status import AnnouncedService, DiscoveryStatus, Notice

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """How often addresses are looked at (about 1 ms each time), and how long the announcer waits for what."""

    poll_interval_s: float = 3.0
    goodbye_timeout_s: float = 2.0
    conflict_wait_s: float = 1.5
    """A goodbye takes effect after a second (RFC 6762, section 10.1)."""
    max_retry_s: float = 60.0
    """Longest pause between two tries where multicast does not work."""
    clock: Callable[[], float] = time.monotonic


class Announcer:
    """Announces this machine's Wyoming servers as `_wyoming._tcp.local.`; see the module's text."""

    def __init__(
        self,
        machine: MachineIdentity,
        policy: Policy | None = None,
        *,
        network: Network | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._machine = machine
        self._policy = policy or Policy()
        self._network = network or Network()
        self._timing = timing or Timing()
        self._wanted: dict[str, ServiceAnnouncement] = {}
        self._selection = Selection(())
        self._responder: Responder | None = None
        self._failure: Notice | None = None
        self._failures = 0
        self._retry_at_s = 0.0
        self._said: set[tuple[str, str]] = set()
        self._wake = asyncio.Event()
        self._waiters: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin, and wait until what was announced before is on the network, or `status()` says why not."""
        if self._task is None:
            self._closing = False
            self._task = asyncio.create_task(self._run(), name="discovery")
            await self.refresh()

    async def stop(self) -> None:
        """Say goodbye and end, within `goodbye_timeout_s`; another start announces the same again."""
        if (task := self._task) is not None:
            self._task = None
            if not self._closing:  # a second cancellation would cut the goodbye short
                task.cancel()
            # Not `await task`: where our caller is cancelled too, the goodbye must still be said.
            await asyncio.wait({task})

    async def announce(self, *services: ServiceAnnouncement) -> None:
        """Announce `services`, each in place of what its role had, and wait for it: 2 s for any number."""
        self._wanted.update({service.role: service for service in services})
        await self.refresh()

    async def withdraw(self, role: str) -> None:
        """Take the service of `role` back with a goodbye; nothing happens where there is none."""
        if self._wanted.pop(role, None) is not None:
            await self.refresh()

    async def refresh(self) -> None:
        """Look at the interfaces now, not at the next poll, and wait until the network knows the outcome."""
        if (task := self._task) is not None and not task.done():
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            self._wake.set()
            # Also on the task: one that is cancelled before its first step releases nobody.
            await asyncio.wait({waiter, task}, return_when=asyncio.FIRST_COMPLETED)

    def status(self) -> DiscoveryStatus:
        """Return what is announced now and what is in the way."""
        running = self._task is not None and not self._task.done()
        services = tuple(self._service_status(service, running) for service in self._wanted.values())
        reasons = [service.reason for service in services if service.reason]
        on_air = any(service.announced for service in services)
        return DiscoveryStatus(
            running,
            self._machine.short,
            services,
            self._selection.addresses if on_air else (),
            tuple(link.name for link in self._selection.links) if on_air else (),
            self._selection.ignored,
            reasons[0] if reasons else self._reason(running),
            self._selection.warnings + self._renamed(),
        )

    def _service_status(self, service: ServiceAnnouncement, running: bool) -> AnnouncedService:
        shown = self._responder.registered.get(service.role) if self._responder else None
        if shown is not None and running:
            return AnnouncedService(service.role, shown.instance, service.port, announced=True)
        instance = self._record(service).instance
        reason = self._reason(running) or notices.STARTING
        if self._responder and service.role in self._responder.nameless:
            reason = notices.no_free_name(instance, MAX_ATTEMPTS)
        return AnnouncedService(service.role, instance, service.port, announced=False, reason=reason)

    def _reason(self, running: bool) -> Notice | None:
        return (self._selection.reason or self._failure) if running else notices.NOT_STARTED

    def _renamed(self) -> tuple[Notice, ...]:
        shown = self._responder.registered.values() if self._responder else ()
        return tuple(
            notices.name_taken(self._record(record.announcement).instance, record.instance)
            for record in shown
            if record.attempt > 1
        )

    async def _run(self) -> None:
        try:
            while True:
                waiters, self._waiters = self._waiters, []
                self._wake.clear()
                try:
                    await self._reconcile()
                finally:
                    _release(waiters)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._timing.poll_interval_s):
                        await self._wake.wait()
        finally:
            self._closing = True
            try:
                await self._close_responder()
            finally:
                _release(self._waiters)

    async def _reconcile(self) -> None:
        try:
            selection = self._select()
            if selection.links != self._selection.links:
                self._retry_at_s = 0.0  # another network may work
            self._selection = selection
            if selection.links and self._wanted:
                await self._show(selection)
            else:
                await self._close_responder()
        except Exception as error:  # noqa: BLE001 - discovery never takes the control plane down with it
            await self._fail(error)
        self._report()

    def _select(self) -> Selection:
        try:
            return select(self._network.list_interfaces(), self._policy)
        except OSError as error:
            if self._responder is None:
                raise
            # The kernel is short of something; what is on the network is most likely still right.
            _log.debug("Interfaces cannot be listed", exc_info=error)
            return self._selection

    async def _show(self, selection: Selection) -> None:
        if self._responder is None:
            if self._timing.clock() < self._retry_at_s:
                return
            self._responder = Responder(selection.links, self._network, conflict_wait_s=self._timing.conflict_wait_s)
        await self._responder.show(
            selection.links, {role: self._record(service) for role, service in self._wanted.items()}
        )
        self._failure, self._failures = None, 0

    async def _fail(self, error: Exception) -> None:
        cause = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        self._failure = notices.multicast_failed(cause)
        pause_s = self._timing.poll_interval_s * 2 ** min(self._failures, 10)
        self._failures += 1
        self._retry_at_s = self._timing.clock() + min(pause_s, self._timing.max_retry_s)
        _log.debug("Discovery failed", exc_info=error)
        await self._close_responder()

    async def _close_responder(self) -> None:
        if (responder := self._responder) is not None:
            self._responder = None
            await responder.close(self._timing.goodbye_timeout_s)

    def _record(self, service: ServiceAnnouncement) -> ServiceRecord:
        properties = {
            "role": service.role,
            "version": __version__,
            "id": self._machine.short,
            **service.properties,
        }
        return ServiceRecord(service, self._machine.short, tuple(properties.items()), self._selection.addresses)

    def _report(self) -> None:
        """Log what is new since the last look, each thing once until it goes away."""
        status = self.status()
        saying: set[tuple[str, str]] = set()
        for service in status.services:
            if service.announced:
                where = f"{', '.join(status.addresses)} ({', '.join(status.interfaces)}) port {service.port}"
                saying.add((f"Announced {service.instance!r} at {where}", ""))
        for notice in (*status.warnings, status.reason):
            if notice is not None and notice is not notices.STARTING:
                saying.add((notice.text, notice.hint))
        for text, hint in sorted(saying - self._said):
            if hint:
                _log.warning("%s %s", text, hint)
            else:
                _log.info("%s", text)
        self._said = saying


def _release(waiters: list[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
