"""A device with memory of its own, as a probe saw it: a GPU, or the machine's RAM (`cpu`)."""

from __future__ import annotations

from dataclasses import dataclass

DeviceId = str
"""`cuda:N`, numbered as CUDA_DEVICE_ORDER=PCI_BUS_ID does, or `cpu`."""

CPU: DeviceId = "cpu"


def is_gpu(device: DeviceId) -> bool:
    """Return whether the device is a GPU."""
    return device != CPU


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """What one process holds on a device; `used_bytes` is None where the driver does not tell."""

    pid: int
    used_bytes: int | None
    name: str = ""
    """Short name of the program (/proc/PID/comm), "" where it cannot be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReading:
    """One look at a device.

    `processes` is None where they cannot be seen: in a container NVML hides the pids of the host (NVIDIA/nvidia-docker
    issue 179). Their sum is less than `used_bytes` even where they can; `used_bytes` is the truth.
    """

    device: DeviceId
    name: str
    total_bytes: int
    used_bytes: int
    """By everybody, without `reserved_bytes`."""
    reserved_bytes: int = 0
    """Held by the driver whatever runs (NVML memory info v2)."""
    processes: tuple[ProcessMemory, ...] | None = None
    uuid: str = ""
    temperature_c: int | None = None
    utilisation_percent: int | None = None

    @property
    def usable_bytes(self) -> int:
        """What processes can have at most."""
        return self.total_bytes - self.reserved_bytes

    @property
    def free_bytes(self) -> int:
        """What nobody has now."""
        return max(0, self.usable_bytes - self.used_bytes)
