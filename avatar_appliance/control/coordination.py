"""The coordinator with everything it needs: probe, specs, lease socket, what was measured, the record."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from avatar_appliance.config import Settings
from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.coordinator.commands import CoordinatorCommands
from avatar_appliance.coordinator.coordinator import Coordinator
from avatar_appliance.coordinator.decision import Decision
from avatar_appliance.coordinator.device import DeviceId
from avatar_appliance.coordinator.events import GuestModeChanged, Started
from avatar_appliance.coordinator.launcher import WorkerLauncher
from avatar_appliance.coordinator.lease_server import LeaseServer
from avatar_appliance.coordinator.measurement import Measurement, worker_fingerprint
from avatar_appliance.coordinator.memory_meter import MemoryMeter
from avatar_appliance.coordinator.probes import ProbeFailed, make_probe
from avatar_appliance.coordinator.scheduler import Scheduler
from avatar_appliance.coordinator.specs import measured_workers, scheduler_policy, used_workers, worker_specs
from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect
from avatar_appliance.models import load_catalogue
from avatar_appliance.processes.process_memory import process_ram
from avatar_appliance.store import Store
from avatar_appliance.store.decision_record import DecisionRecord

_LOGGER = logging.getLogger(__name__)

SIMULATED_GPU_FOLDER = "simulated-gpu"
# Decisions come in bursts (a game starts): one transaction for each of those is enough.
RECORD_INTERVAL_S = 1.0


@contextlib.asynccontextmanager
async def coordination(
    settings: Settings,
    store: Store,
    launcher: WorkerLauncher,
    *,
    simulate_gpu_bytes: int | None = None,
    workers_are_ours: bool = True,
) -> AsyncIterator[CoordinatorCommands]:
    """Run the coordinator over `launcher` until left; the workers stay as they are.

    `workers_are_ours` is False where workers are units of their own (systemd). Raises what `make_probe` raises, and
    OSError where the lease socket cannot be made.
    """
    folder = settings.paths.runtime_dir / SIMULATED_GPU_FOLDER
    # Waking the driver takes a second or two.
    probe = await asyncio.to_thread(make_probe, simulate_gpu_bytes, folder, workers_in_our_cgroup=workers_are_ours)
    try:
        try:
            devices = [reading.device for reading in probe.read()]
        except ProbeFailed as error:
            devices = [*(reading.device for reading in error.readings), *error.devices]
        known = await store.measurements.all()
        measured = set(measured_workers(settings, devices, known))
        specs = worker_specs(settings, devices, known)
        scheduler = Scheduler(specs, scheduler_policy(settings.coordinator))
        records = _Measurements(settings, store, measured)
        coordinator = Coordinator(
            scheduler,
            launcher,
            MemoryMeter(probe, launcher.pids, process_ram),
            measured=records.add,
            tick_s=settings.coordinator.tick_s,
        )
        leases = LeaseServer(settings.paths.runtime_dir, coordinator)
        engines = {name: worker.engine for name, worker in used_workers(settings).items()}
        commands = CoordinatorCommands(coordinator, engines, measured, notes=probe.notes)
        keeping = asyncio.create_task(_keep(coordinator, commands, store), name="record of decisions")
        try:
            async with coordinator.running():
                if (mode := settings.coordinator.guest_mode.mode) != "auto":
                    coordinator.submit(GuestModeChanged(mode))
                await leases.start()
                try:
                    yield commands
                finally:
                    await leases.stop()
            await asyncio.gather(keeping, return_exceptions=True)  # it ends with the stream of decisions
        finally:
            keeping.cancel()  # where the coordinator never ran
            await records.flush()
    finally:
        await asyncio.to_thread(probe.close)


class _Measurements:
    """Keeps what starts took, for the next life of the appliance."""

    def __init__(self, settings: Settings, store: Store, measured: set[str]) -> None:
        self._settings = settings
        self._store = store
        self._measured = measured
        self._catalogue = load_catalogue()
        self._saving: set[asyncio.Task[None]] = set()

    def add(self, worker: str, device: DeviceId, started: Started) -> None:
        """Take what a start took; what could not be measured is not kept."""
        section = self._settings.workers.get(worker)
        if started.rest_bytes is None or started.start_s is None or not isinstance(section, LocalWorker):
            return
        sample = Measurement(
            worker=worker,
            device=device,
            fingerprint=worker_fingerprint(section, self._catalogue),
            rest_bytes=started.rest_bytes,
            peak_bytes=max(started.rest_bytes, started.peak_bytes or 0),
            start_s=started.start_s,
            measured_at=time.time(),
        )
        self._measured.add(worker)
        task = asyncio.get_running_loop().create_task(self._save(sample))
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def flush(self) -> None:
        """Wait until everything is kept."""
        await asyncio.gather(*self._saving, return_exceptions=True)

    async def _save(self, sample: Measurement) -> None:
        try:
            await self._store.measurements.add(sample)
        except AvatarError as error:
            _LOGGER.warning("what %s takes was not kept: %s (%s)", sample.worker, error.text, error.code)
        except Exception as error:  # noqa: BLE001 - nobody awaits this task's result: say it here
            log_defect(_LOGGER, "defect while keeping a measurement", error)


async def _keep(coordinator: Coordinator, commands: CoordinatorCommands, store: Store) -> None:
    """Write decisions down until the coordinator ends."""
    with coordinator.decisions.stream() as stream:
        waiting: list[Decision] = []
        async for decision in stream:
            waiting.append(decision)
            with contextlib.suppress(TimeoutError, StopAsyncIteration):
                async with asyncio.timeout(RECORD_INTERVAL_S):
                    while True:
                        waiting.append(await anext(stream))
            await _write(waiting, commands, store)
            waiting.clear()


async def _write(decisions: list[Decision], commands: CoordinatorCommands, store: Store) -> None:
    records = [DecisionRecord.of(decision, commands.time_of_day(decision.at_s)) for decision in decisions]
    try:
        await store.decisions.add(records)
    except AvatarError as error:
        _LOGGER.warning("%d decisions were not kept: %s (%s)", len(records), error.text, error.code)
    except Exception as error:  # noqa: BLE001 - the record must not end because of one bad write
        log_defect(_LOGGER, "defect while keeping decisions", error)
