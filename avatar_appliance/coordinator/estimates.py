"""What each worker is expected to hold, from the configuration and the sizes of its models.

The figures are those of the worker sections (`LocalWorker.estimate`); here are the sizes they ask for, and the owner's
own figures (`memory`, `peak_memory`), which go before any estimate.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.config.memory_estimate import MemoryEstimate, ModelSize, ModelSizes
from avatar_appliance.models import Catalogue, ModelUnknown, load_catalogue

from .device import CPU, DeviceId

_MOST_FILES = 1000
"""A model folder has a few dozen; a path that leads to somebody's home must not be walked to its end."""


def model_sizes(catalogue: Catalogue | None = None) -> ModelSizes:
    """Return what tells the size of a model: by the catalogue, else by what lies at the path. Remembers the answers."""
    known = load_catalogue() if catalogue is None else catalogue

    @cache
    def size(name: str) -> ModelSize | None:
        try:
            model = known.get(name)
        except ModelUnknown:
            return size_on_disk(Path(name))
        return ModelSize(model.size_bytes, model.ram_bytes)

    return size


def worker_estimate(worker: LocalWorker, device: DeviceId, sizes: ModelSizes) -> MemoryEstimate:
    """Return what a worker will hold on a device: the owner's figures where given, else estimated."""
    estimate = worker.estimate(device, sizes)
    extra_bytes = estimate.peak_bytes - estimate.rest_bytes
    rest = estimate.rest_bytes if worker.memory is None else worker.memory
    # Who knows only what it holds later gets the estimated start on top.
    peak = worker.peak_memory if worker.peak_memory is not None else rest + extra_bytes
    host = rest if device == CPU else estimate.host_bytes
    return replace(estimate, rest_bytes=rest, peak_bytes=max(rest, peak), host_bytes=host)


def size_on_disk(path: Path) -> ModelSize | None:
    """Return the size of a model file, or of a folder with all in it; None where there is no such thing."""
    try:
        if path.is_file():
            return ModelSize(path.stat().st_size)
        sizes = []
        for file in path.rglob("*"):
            if file.is_file():
                sizes.append(file.stat().st_size)
            if len(sizes) > _MOST_FILES:
                return None
    except (OSError, ValueError):  # unreadable, too long for a path, or a NUL in it
        return None
    return ModelSize(sum(sizes)) if sizes else None
