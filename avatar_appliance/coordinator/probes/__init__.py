"""Probes: who looks at the devices. `make_probe` gives the one of this machine."""

from __future__ import annotations

from .errors import ProbeFailed
from .host_memory import HostMemoryProbe, processes_in_ram
from .machine import MachineProbe, make_probe
from .nvml import NvmlProbe
from .simulated import SimulatedGpuProbe

__all__ = [
    "HostMemoryProbe",
    "MachineProbe",
    "NvmlProbe",
    "ProbeFailed",
    "SimulatedGpuProbe",
    "make_probe",
    "processes_in_ram",
]
