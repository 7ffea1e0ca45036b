"""Everything this machine has: its GPUs (or a simulated one), then its RAM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avatar_appliance.coordinator.device import DeviceReading

from .errors import ProbeFailed
from .host_memory import HostMemoryProbe
from .nvml import NvmlProbe
from .simulated import SimulatedGpuProbe


class MachineProbe:
    """A DeviceProbe of GPUs and RAM, `cpu` last."""

    def __init__(self, gpus: NvmlProbe | SimulatedGpuProbe, ram: HostMemoryProbe) -> None:
        self._gpus = gpus
        self._ram = ram

    def read(self) -> Sequence[DeviceReading]:
        """Return one reading per device; raises ProbeFailed (which has the other readings) when one cannot be read."""
        try:
            gpus = self._gpus.read()
        except ProbeFailed as failed:
            readings = (*failed.readings, *self._ram.read())
            raise ProbeFailed(failed.text, hint=failed.hint, devices=failed.devices, readings=readings) from None
        return [*gpus, *self._ram.read()]

    def notes(self) -> Sequence[str]:
        """Return what people should know about the readings: why there is no GPU, what a driver or container hides."""
        return [*self._gpus.notes(), *self._ram.notes()]

    def close(self) -> None:
        """Let go of the driver."""
        self._gpus.close()
        self._ram.close()


def make_probe(simulate_gpu_bytes: int | None, folder: Path, *, workers_in_our_cgroup: bool = True) -> MachineProbe:
    """Return the probe of this machine; with `simulate_gpu_bytes` its GPU is one of that size, simulated in `folder`.

    Initialising the driver can take seconds. Raises ConfigError for a CUDA_VISIBLE_DEVICES that names a MIG instance,
    OSError where `folder` cannot be written.
    """
    gpus = NvmlProbe() if simulate_gpu_bytes is None else SimulatedGpuProbe(simulate_gpu_bytes, folder)
    return MachineProbe(gpus, HostMemoryProbe(workers_in_our_cgroup=workers_in_our_cgroup))
