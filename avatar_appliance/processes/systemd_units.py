"""The processes of an installed appliance: units of systemd, started, watched and stopped over D-Bus."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Sequence
from typing import Any, Self

from avatar_appliance.errors import AvatarError, ConfigError
from avatar_appliance.log import log_defect

from .changes import ChangeStream, StatusChanges
from .errors import ProcessUnknown, SystemdRefused, UnitDenied
from .process import ProcessSpec, ProcessState, ProcessStatus
from .systemd_bus import SYSTEMD, SystemdBus
from .systemd_jobs import LOST, Jobs
from .systemd_link import SystemdLink
from .unit_names import UnitNames
from .unit_status import USED
from .watched_unit import WatchedUnit

_LOGGER = logging.getLogger(__name__)

UNIT = f"{SYSTEMD}.Unit"
SERVICE = f"{SYSTEMD}.Service"
_PRODUCT_NAMES = UnitNames()
_REPLACE = "replace"  # a new wish takes the place of jobs that contradict it


class SystemdUnits:
    """A `ProcessManager` whose processes are units of systemd, found running or started here; use it in `async with`.

    Leaving `async with` stops nothing: units outlive the control plane, and the next one finds them. Of a spec only
    name and role count; what is run, and how long it may take, is in the unit. While the bus is away, the last statuses
    known stay, and commands wait `patience_s` for its return.

    Entering raises SystemdUnavailable where there is no systemd; the commands raise it, UnitDenied, SystemdRefused and
    ConfigError (no such unit) besides what `ProcessManager` says.
    """

    def __init__(
        self, *, bus_address: str | None = None, names: UnitNames = _PRODUCT_NAMES, patience_s: float = 10.0
    ) -> None:
        self._names = names
        self._units: dict[str, WatchedUnit] = {}
        self._by_path: dict[str, WatchedUnit] = {}
        self._by_unit: dict[str, WatchedUnit] = {}
        self._changes = StatusChanges()
        self._jobs = Jobs()
        self._link = SystemdLink(bus_address, self._heard, self._greet, patience_s)
        self._outdated: dict[str, None] = {}
        self._look = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._link.__aenter__()
        self._looking = asyncio.create_task(self._look_after_units(), name="looking after units")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._link.__aexit__()
        self._changes.close()

    async def start(self, spec: ProcessSpec) -> None:
        """Begin to start the unit of `spec`; return once systemd has taken it on. Ready or on its way: nothing happens.

        Waits for a stop of it that is under way.
        """
        unit = self._registered(unit_name := self._names.unit(spec.role, spec.name))
        if unit is None:
            raise ConfigError(f"{unit_name} cannot be started: another unit has its name")
        async with unit.commands:
            await self._read(unit)
            if not unit.up:
                await self._begin(unit, "StartUnit", repeat=True)

    async def restart(self, name: str) -> None:
        """Have the unit stopped and started; return once systemd has taken that on."""
        unit = self._unit(name)
        async with unit.commands:
            await self._begin(unit, "RestartUnit", repeat=False)

    async def stop(self, name: str) -> None:
        """Stop the unit and return when no process of it is left: its KillMode and TimeoutStopSec see to that.

        A failed unit has none; it is then `stopped`, as one is that needed SIGKILL.
        """
        unit = self._unit(name)
        async with unit.commands:
            await self._end(unit)

    async def kill(self, name: str) -> None:
        """Stop the unit with SIGKILL to all of its processes, also in the middle of a stop."""
        await self._end(self._unit(name), kill=True)

    def pids(self, name: str) -> Sequence[int]:
        """Return the processes in the control group of the unit; raises ProcessUnknown."""
        return self._unit(name).pids()

    def statuses(self) -> dict[str, ProcessStatus]:
        """Return how each unit is: those that were found at the start, then those that came since."""
        return {name: unit.status for name, unit in self._units.items()}

    def changes(self) -> ChangeStream:
        """Open a stream of every change of a status from now on; it ends with this manager's `async with`."""
        return self._changes.stream()

    def _unit(self, name: str) -> WatchedUnit:
        try:
            return self._units[name]
        except KeyError:
            raise ProcessUnknown(f"there is no process {name!r}") from None

    async def _begin(self, unit: WatchedUnit, member: str, *, repeat: bool) -> None:
        unit.start_asked()
        # Somebody who gives up does not take it back: systemd may be about to carry it out.
        asking = asyncio.ensure_future(self._link.call(member, "ss", [unit.unit, _REPLACE], repeat=repeat))
        asking.add_done_callback(lambda asked: self._begun(unit, asked))
        await asyncio.shield(asking)

    def _begun(self, unit: WatchedUnit, asked: asyncio.Future[list[Any]]) -> None:
        error = None if asked.cancelled() else asked.exception()
        if error is not None or asked.cancelled():
            unit.start_failed(error.text if isinstance(error, AvatarError) else "")
            return
        [job] = asked.result()
        unit.start_taken(job)
        if (result := self._jobs.result(job)) is not None:
            unit.job_ended(job, result)

    async def _end(self, unit: WatchedUnit, *, kill: bool = False) -> None:
        unit.stop_asked()
        if unit.status.state not in (ProcessState.STOPPED, ProcessState.FAILED):
            [job] = await self._link.call("StopUnit", "ss", [unit.unit, _REPLACE])
            ending = self._jobs.outcome(job)
            if kill:
                await self._kill_all(unit)
            result = await asyncio.shield(ending)  # somebody else may wait for the same job
            await self._refresh(unit)
            if unit.status.state not in (ProcessState.STOPPED, ProcessState.FAILED):
                raise SystemdRefused(f"{unit.unit} was not stopped: the job ended as {result!r}")
        if unit.status.state is ProcessState.FAILED:
            # Nothing of it is left; without this, systemd would show the machine as degraded for ever.
            with contextlib.suppress(UnitDenied):
                await self._link.call("ResetFailedUnit", "s", [unit.unit])
                await self._refresh(unit)

    async def _kill_all(self, unit: WatchedUnit) -> None:
        try:
            await self._link.call("KillUnit", "ssi", [unit.unit, "all", int(signal.SIGKILL)])
        except UnitDenied:
            raise
        except SystemdRefused as error:
            _LOGGER.debug("%s", error.text)  # it ended before the signal came

    def _registered(self, unit_name: str) -> WatchedUnit | None:
        """Return what is known of one of our units; None for any other."""
        if (known := self._by_unit.get(unit_name)) is not None:
            return known
        process = self._names.process(unit_name)
        if process is None:
            return None
        _, name = process
        if name in self._units:
            _LOGGER.error("%s and %s have the same name: the former is ignored", unit_name, self._units[name].unit)
            return None
        unit = WatchedUnit(name, unit_name, self._changes.publish)
        self._units[name] = self._by_unit[unit_name] = self._by_path[unit.path] = unit
        return unit

    async def _greet(self, bus: SystemdBus) -> None:
        """Learn what there is, and what became of it while nobody listened."""
        [found] = await bus.call("ListUnitsByPatterns", "asas", [[], self._names.patterns])
        for unit_name, _, load_state, *_ in found:
            if load_state != "not-found":
                self._registered(unit_name)
        for unit in self._units.values():
            await bus.watch(unit.path)
            unit.refreshed(await self._properties(bus, unit), came_back=True)
        for job in self._jobs.waiting:
            try:
                await bus.call("GetJob", "u", [int(job.rpartition("/")[2])])
            except SystemdRefused:  # there is no such job any more
                self._jobs.removed(job, LOST)

    async def _read(self, unit: WatchedUnit) -> None:
        """Watch a unit from now on."""
        if not unit.read:
            bus = await self._link.bus()
            await bus.watch(unit.path)
            await self._refresh(unit)

    async def _refresh(self, unit: WatchedUnit) -> None:
        unit.refreshed(await self._properties(await self._link.bus(), unit))

    async def _properties(self, bus: SystemdBus, unit: WatchedUnit) -> dict[str, Any]:
        while True:
            signals = unit.signals
            unit_properties = await bus.properties(unit.path, UNIT)
            service_properties = await bus.properties(unit.path, SERVICE)
            # A signal is dealt with the moment it comes, an answer a little later: it may be the older of the two.
            if unit.signals == signals:
                return unit_properties | service_properties

    def _heard(self, path: str, interface: str, member: str, body: list[Any]) -> None:
        match interface, member, body:
            case "org.freedesktop.DBus.Properties", "PropertiesChanged", [
                str(changed_of),
                dict(changed),
                list(invalidated),
            ]:
                if (unit := self._by_path.get(path)) is not None:
                    # "First for the specific type, then for the generic unit. The clients may rely on this order to get
                    # atomic behavior" (systemd, dbus-unit.c).
                    unit.heard(changed, complete=changed_of == UNIT)
                    if unit.outdated or not USED.isdisjoint(invalidated):
                        self._look_at(unit)
            case _, "JobRemoved", [_, str(job), str(unit_name), str(result)]:
                self._jobs.removed(job, result)
                if (unit := self._by_unit.get(unit_name)) is not None:
                    unit.job_ended(job, result)
            case _, "UnitNew", [str(unit_name), _]:
                # Also sent of a unit that is loaded only because we look at it: a known one tells of itself.
                if unit_name not in self._by_unit and (unit := self._registered(unit_name)) is not None:
                    self._look_at(unit)
            case _, "Reloading", [False]:
                for unit in self._units.values():
                    self._look_at(unit)

    def _look_at(self, unit: WatchedUnit) -> None:
        self._outdated[unit.name] = None
        self._look.set()

    async def _look_after_units(self) -> None:
        while True:
            await self._look.wait()
            self._look.clear()
            while self._outdated:
                name, _ = self._outdated.popitem()
                unit = self._units[name]
                try:
                    await (self._refresh(unit) if unit.read else self._read(unit))
                except AvatarError as error:  # the bus is gone: when it is back, all are looked at
                    _LOGGER.debug("%s: %s", unit.unit, error.text)
                except Exception as error:  # noqa: BLE001 - nobody awaits this task's result, and it must go on
                    log_defect(_LOGGER, f"looking at {unit.unit}", error)
