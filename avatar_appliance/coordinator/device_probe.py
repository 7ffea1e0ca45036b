"""What the coordinator knows of whoever looks at the devices: NVML, /proc, or a simulation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .device import DeviceReading


class DeviceProbe(Protocol):
    """Looks at every device of the machine. A look takes a millisecond at most and never creates a CUDA context."""

    def read(self) -> Sequence[DeviceReading]:
        """Return one reading per device, `cpu` last; raises ProbeFailed when a GPU that was there cannot be read."""
        ...

    def close(self) -> None:
        """Let go of the driver."""
        ...
