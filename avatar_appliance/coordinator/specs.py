"""From the configuration to what the scheduler knows of workers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from avatar_appliance.config import Settings
from avatar_appliance.config.coordinator import CoordinatorSettings
from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.config.memory_estimate import MemoryEstimate, ModelSizes
from avatar_appliance.config.workers import WorkerSettings
from avatar_appliance.models import Catalogue, load_catalogue

from .control_errors import WorkerUnknown
from .device import CPU, DeviceId, is_gpu
from .estimates import model_sizes, worker_estimate
from .measurement import Measurement, worker_fingerprint
from .policy import SchedulerPolicy
from .worker_spec import WorkerSpec

_COMM_CHARS = 15
_LEAST_EXTERNAL_LEASES = 8


def scheduler_policy(settings: CoordinatorSettings) -> SchedulerPolicy:
    """Return the numbers of the scheduler; what has no key in the configuration keeps its default."""
    guests = settings.guest_mode
    return SchedulerPolicy(
        gpu_ceiling=settings.gpu_ceiling,
        cpu_ceiling=settings.cpu_ceiling,
        headroom_bytes=settings.headroom,
        most_waiting=settings.most_waiting,
        min_residency_s=settings.min_residency_s,
        after_shed_s=settings.after_shed_s,
        cool_down_s=settings.cool_down_s,
        guest_share=guests.share,
        guest_linger_s=guests.linger_s,
        # The kernel keeps 15 characters of a program's name (proc(5)).
        guest_names=frozenset(name[:_COMM_CHARS] for name in guests.programs),
    )


def used_workers(settings: Settings, names: Sequence[str] = ()) -> dict[str, WorkerSettings]:
    """Return the workers that a ladder uses, in the order of the ladders; or those of these names.

    Raises WorkerUnknown for a name that is not under `workers:`.
    """
    used = names or tuple(name for ladder in _ladders(settings) for name in ladder)
    if unknown := [name for name in used if name not in settings.workers]:
        known = ", ".join(settings.workers)
        raise WorkerUnknown(f"there is no worker {unknown[0]!r}", hint=f"The configuration has {known}.")
    return {name: settings.workers[name] for name in used}


def _ladders(settings: Settings) -> tuple[Sequence[str], ...]:
    return settings.asr.workers, settings.tts.workers, settings.conversation.workers, settings.speaker.workers


def worker_specs(
    settings: Settings,
    devices: Sequence[DeviceId],
    measured: Iterable[Measurement] = (),
    *,
    names: Sequence[str] = (),
    catalogue: Catalogue | None = None,
) -> list[WorkerSpec]:
    """Return the specs of the workers that a ladder uses, or of those named.

    `devices` are those of this machine (`cuda:N` and `cpu`). What was measured replaces an estimate where settings and
    model are still the same; the owner's own figures replace both. A worker that could run on several devices is
    charged with what it takes where it takes most, until it was measured where it is.
    """
    known = load_catalogue() if catalogue is None else catalogue
    sizes = model_sizes(known)
    measurements = {(each.worker, each.device, each.fingerprint): each for each in measured}
    first_rungs = {ladder[0] for ladder in _ladders(settings) if ladder}
    specs = []
    for name, worker in used_workers(settings, names).items():
        if isinstance(worker, LocalWorker):
            specs.append(_local(name, worker, devices, measurements, sizes, known, first_rung=name in first_rungs))
        else:
            # A server elsewhere has its own queue: it gets what the turns may ask of it at once.
            most = max(_LEAST_EXTERNAL_LEASES, settings.limits.max_turns)
            specs.append(WorkerSpec(name=name, role=worker.role, external=True, max_leases=most))
    return specs


def placements(worker: LocalWorker, devices: Sequence[DeviceId]) -> tuple[DeviceId, ...]:
    """Return the devices a worker may run on, best first.

    `cuda` is any GPU; `auto` is any GPU, then the CPU where the engine runs there; `cuda:N` is that one, also where
    there is no such GPU (now).
    """
    gpus = tuple(device for device in devices if is_gpu(device)) if "gpu" in worker.runs_on else ()
    cpu = (CPU,) if "cpu" in worker.runs_on else ()
    match worker.wanted_device:
        case "auto":
            return (*gpus, *cpu)
        case "cuda":
            return gpus
        case "cpu":
            return cpu
        case device:
            return (device,)


def measured_workers(
    settings: Settings,
    devices: Sequence[DeviceId],
    measured: Iterable[Measurement],
    *,
    names: Sequence[str] = (),
    catalogue: Catalogue | None = None,
) -> frozenset[str]:
    """Return the workers of which `worker_specs` with the same arguments has measured bytes."""
    known = load_catalogue() if catalogue is None else catalogue
    keys = {(each.worker, each.device, each.fingerprint) for each in measured}
    return frozenset(
        name
        for name, worker in used_workers(settings, names).items()
        if isinstance(worker, LocalWorker)
        for fingerprint in [worker_fingerprint(worker, known)]
        if any((name, device, fingerprint) in keys for device in placements(worker, devices))
    )


def _local(
    name: str,
    worker: LocalWorker,
    devices: Sequence[DeviceId],
    measured: Mapping[tuple[str, DeviceId, str], Measurement],
    sizes: ModelSizes,
    catalogue: Catalogue,
    *,
    first_rung: bool,
) -> WorkerSpec:
    places = placements(worker, devices)
    fingerprint = worker_fingerprint(worker, catalogue)
    estimates = {
        device: _corrected(worker, worker_estimate(worker, device, sizes), measured.get((name, device, fingerprint)))
        for device in places
    }
    rest = max((each.rest_bytes for each in estimates.values()), default=0)
    peak = max((each.peak_bytes for each in estimates.values()), default=0)
    best = estimates[places[0]] if places else None
    sleeping = [each.sleep_bytes for each in estimates.values() if each.sleep_bytes is not None]
    return WorkerSpec(
        name=name,
        role=worker.role,
        devices=places,
        rest_bytes=rest,
        peak_bytes=peak,
        host_bytes=best.host_bytes if best else 0,
        start_s=best.start_s if best else 0.0,
        priority=worker.default_priority if worker.priority is None else worker.priority,
        keep_alive_s=worker.keep_alive_s,
        pinned=worker.pinned,
        preload=(first_rung or worker.light) if worker.preload is None else worker.preload,
        max_leases=worker.max_leases,
        can_sleep=bool(sleeping),
        sleep_bytes=max(sleeping, default=0),
    )


def _corrected(worker: LocalWorker, estimate: MemoryEstimate, found: Measurement | None) -> MemoryEstimate:
    """Return the estimate with what was measured in its place, but for what the owner says."""
    if found is None:
        return estimate
    rest = found.rest_bytes if worker.memory is None else estimate.rest_bytes
    peak = found.peak_bytes if worker.peak_memory is None else estimate.peak_bytes
    return replace(estimate, rest_bytes=rest, peak_bytes=max(rest, peak), start_s=found.start_s)
