"""All devices of a machine in one reading."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pynvml
import pytest

from avatar_appliance.coordinator.device_probe import DeviceProbe
from avatar_appliance.coordinator.probes import HostMemoryProbe, MachineProbe, NvmlProbe, ProbeFailed, make_probe

GIB = 2**30


def test_a_simulated_gpu_comes_before_the_ram(tmp_path: Path) -> None:
    probe: DeviceProbe = make_probe(24 * GIB, tmp_path / "gpu")
    gpu, cpu = probe.read()
    assert (gpu.device, gpu.total_bytes, cpu.device) == ("cuda:0", 24 * GIB, "cpu")
    probe.close()


def test_a_machine_without_a_gpu_has_its_ram_and_a_reason(
    python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "libnvidia-ml.so.1").touch()  # found first, and no library
    code = """
from pathlib import Path
from avatar_appliance.coordinator.probes import make_probe
probe = make_probe(None, Path("/nowhere"))
print([reading.device for reading in probe.read()], *probe.notes(), sep="|")
"""
    assert python(code, LD_LIBRARY_PATH=str(tmp_path)).stdout.startswith("['cpu']|no NVIDIA GPU is used: ")


def test_the_notes_of_all_devices_are_collected(tmp_path: Path) -> None:
    assert any("simulated" in note for note in make_probe(GIB, tmp_path).notes())


def test_a_lost_gpu_does_not_blind_us_for_the_rest(nvml: Any) -> None:
    lost = nvml.add()
    nvml.add()
    probe = MachineProbe(NvmlProbe({}), HostMemoryProbe())
    lost.error = pynvml.NVML_ERROR_GPU_IS_LOST
    with pytest.raises(ProbeFailed, match="cuda:0 cannot be read") as failed:
        probe.read()
    assert failed.value.devices == ("cuda:0",)
    assert [reading.device for reading in failed.value.readings] == ["cuda:1", "cpu"]
    assert "Xid" in failed.value.hint
