"""Where a worker runs: what the control plane assigned, over what its section says."""

from __future__ import annotations

from typing import TypeVar

from avatar_appliance.config.local_worker import GpuWorker, LocalWorker
from avatar_appliance.config.workers import FasterWhisperWorker, LlamaCppWorker
from avatar_appliance.processes.assignment import DeviceAssignment

Settings = TypeVar("Settings", bound=LocalWorker)

ALL_LAYERS = -1
GPU_ONLY_TYPES = ("float16", "int8_float16")


def placed(worker: Settings, assignment: DeviceAssignment | None) -> Settings:
    """Return the worker's settings for the device it was assigned; unchanged where nobody assigned one."""
    if assignment is None or not isinstance(worker, GpuWorker):
        return worker
    device = assignment.device
    changes: dict[str, object] = {"device": device}
    if isinstance(worker, LlamaCppWorker):
        changes["gpu_layers"] = 0 if device == "cpu" else worker.gpu_layers or ALL_LAYERS
    if isinstance(worker, FasterWhisperWorker) and device == "cpu" and worker.compute_type in GPU_ONLY_TYPES:
        changes["compute_type"] = "auto"  # CTranslate2 refuses half precision on a CPU
    return worker.model_copy(update=changes)
