"""Which GPU a worker's engine sees."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

import pytest

from wyoming_servers.workers.cuda_device import gpu_total_bytes, use_device, visible_gpu


@pytest.mark.parametrize(
    ("inherited", "device", "expected"),
    [
        (None, "auto", "0"),
        (None, "cuda", "0"),
        (None, "cuda:1", "1"),
        ("2,GPU-5a", "cuda:0", "2"),
        ("2, GPU-5a", "cuda:1", "GPU-5a"),
        ("2", "cuda:1", "1"),  # said by somebody who sees more than we do
    ],
)
def test_a_gpu_is_named_as_it_is_seen_from_here(
    inherited: str | None, device: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if inherited is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", inherited)
    assert visible_gpu(device) == expected


def test_an_engine_sees_its_device_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    assert use_device("cuda:3") == "cuda:0"
    assert (os.environ["CUDA_VISIBLE_DEVICES"], os.environ["CUDA_DEVICE_ORDER"]) == ("3", "PCI_BUS_ID")
    assert use_device("cpu") == "cpu"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""


class FakeNvml(ModuleType):
    NVMLError = type("NVMLError", (Exception,), {})

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.driver = True
        self.open = 0

    def nvmlInit(self) -> None:
        if not self.driver:
            raise self.NVMLError
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if index > 1:
            raise self.NVMLError
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:
        assert uuid == "GPU-5a"
        return 1

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return type("Memory", (), {"total": (handle + 1) * 1000})


def test_the_size_of_a_gpu_comes_from_nvml_and_without_a_driver_from_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpu_total_bytes("cuda:1") == 2000
    assert gpu_total_bytes("cuda:7") is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-5a")
    assert gpu_total_bytes("auto") == 2000
    assert nvml.open == 0
    nvml.driver = False
    assert gpu_total_bytes("auto") is None
