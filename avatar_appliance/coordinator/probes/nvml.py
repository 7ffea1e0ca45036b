"""The GPUs of the machine through NVML, NVIDIA's management library, which the driver brings along.

    init --every GPU answers--> read ... read --one does not--> read the others until the back-off is over --> init
    init --no driver, no GPU--> read nothing until the back-off is over --> init

NVML never creates a CUDA context (which would cost each GPU some 500 MiB), unlike asking torch or the CUDA runtime.
A reading takes some 0.03 ms, initialising 20 ms, or seconds where nobody else keeps the driver awake.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import pynvml

from avatar_appliance.coordinator.device import DeviceId, DeviceReading

from .errors import ProbeFailed
from .nvml_gpu import NvmlGpu
from .visible_devices import VARIABLE, VisibleDevices

_LOGGER = logging.getLogger(__name__)

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 60.0

_WHY = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "libnvidia-ml.so.1 is not here: there is no NVIDIA driver, or this container "
    "was not given its `utility` part",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "the kernel module of the NVIDIA driver is not loaded",
    pynvml.NVML_ERROR_NO_PERMISSION: "this user may not open /dev/nvidiactl",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "the NVIDIA driver was updated, and its old kernel module still runs",
    pynvml.NVML_ERROR_GPU_IS_LOST: "the GPU fell off the bus",
    pynvml.NVML_ERROR_RESET_REQUIRED: "the GPU must be reset",
    pynvml.NVML_ERROR_NOT_SUPPORTED: "it does not tell how much memory it has (it may share the machine's RAM)",
    pynvml.NVML_ERROR_UNINITIALIZED: "the driver was unloaded or reset",
}
_HINTS = {
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "Reboot; or stop all that uses the GPU, reload the module, and restart.",
    pynvml.NVML_ERROR_GPU_IS_LOST: "`journalctl -k | grep Xid` says why; look at power and cables, then reboot.",
    pynvml.NVML_ERROR_RESET_REQUIRED: "Stop all that uses the GPU, then `nvidia-smi --gpu-reset`, or reboot.",
}


@dataclass(frozen=True, slots=True)
class _Trouble:
    why: str
    hint: str | None = None

    @classmethod
    def of(cls, error: pynvml.NVMLError) -> Self:
        """Say it in our words where we have better ones than the library."""
        return cls(_WHY.get(error.value, f"NVML says {error}"), _HINTS.get(error.value))


class NvmlProbe:
    """A DeviceProbe of NVIDIA GPUs; without a driver, or a GPU, it reads nothing, and `notes` says why.

    `cuda:N` is the N-th GPU that a CUDA program started by us sees with CUDA_DEVICE_ORDER=PCI_BUS_ID: in PCI bus order,
    or in the order of CUDA_VISIBLE_DEVICES where that is set. Once seen, a GPU keeps its name while we run, even if
    another one is lost; DeviceReading.uuid identifies it for good.

    To be used by one thread at a time. Raises ConfigError when made and CUDA_VISIBLE_DEVICES names a MIG instance.
    """

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        *,
        clock: Callable[[], float] = time.monotonic,
        in_container: bool | None = None,
    ) -> None:
        self._visible = VisibleDevices.parse(environment.get(VARIABLE))
        self._clock = clock
        self._in_container = in_container
        self._names: dict[str, DeviceId] = {}  # by UUID, of every GPU ever seen
        self._gpus: dict[DeviceId, NvmlGpu] = {}  # those that can be read
        self._initialised = False
        self._retry_at_s: float | None = None
        self._delay_s = FIRST_DELAY_S
        self._trouble = _Trouble("")
        self._visible_note = ""
        self._silent: list[str] = []
        self._open()

    def read(self) -> Sequence[DeviceReading]:
        """Return one reading per GPU; raises ProbeFailed when one that was there cannot be read."""
        if self._retry_at_s is not None and self._clock() >= self._retry_at_s:
            self._open()
        readings = []
        for device, gpu in list(self._gpus.items()):
            try:
                readings.append(gpu.read(device))
            except pynvml.NVMLError as error:
                del self._gpus[device]
                self._broke(_Trouble.of(error))
        if lost := [device for device in self._names.values() if device not in self._gpus]:
            text = f"{', '.join(lost)} cannot be read: {self._trouble.why}"
            raise ProbeFailed(text, hint=self._trouble.hint, devices=lost, readings=readings)
        if readings:
            self._delay_s = FIRST_DELAY_S
            if self._trouble.why:
                _LOGGER.info("NVIDIA GPU: can be read again")
                self._trouble = _Trouble("")
        return readings

    def notes(self) -> Sequence[str]:
        """Return what people should know about the readings: why there are none, what the driver hides."""
        found = [*self._silent, *([self._visible_note] if self._visible_note else [])]
        if not self._names and self._trouble.why:
            found.append(f"no NVIDIA GPU is used: {self._trouble.why}")
        return [*found, *(f"{device}: {note}" for device, gpu in self._gpus.items() for note in gpu.notes)]

    def close(self) -> None:
        """Let go of the driver; nothing is read afterwards."""
        self._shut_down()
        self._names.clear()
        self._retry_at_s = None
        self._trouble = _Trouble("the probe is closed")

    def _open(self) -> None:
        self._shut_down()
        self._retry_at_s = None
        try:
            pynvml.nvmlInit()
            self._initialised = True
            found = self._enumerate()
        except pynvml.NVMLError as error:
            self._broke(_Trouble.of(error))
            return
        self._adopt(found)
        if len(self._gpus) < len(self._names):
            self._broke(_Trouble("it is not on the bus any more", _HINTS[pynvml.NVML_ERROR_GPU_IS_LOST]))
        elif not found:
            self._broke(_Trouble("the driver has none that answers"))

    def _enumerate(self) -> list[NvmlGpu]:
        """Return every GPU that answers, in PCI bus order."""
        found = []
        self._silent.clear()
        for index in range(pynvml.nvmlDeviceGetCount()):
            try:
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                place = pynvml.nvmlDeviceGetPciInfo_v3(handle)
                gpu = NvmlGpu(handle, in_container=self._in_container)
            except pynvml.NVMLError as error:
                self._silent.append(f"NVIDIA GPU {index} cannot be used: {_Trouble.of(error).why}")
            else:
                found.append(((place.domain, place.bus, place.device), gpu))
        return [gpu for _, gpu in sorted(found, key=lambda pair: pair[0])]

    def _adopt(self, found: list[NvmlGpu]) -> None:
        by_uuid = {gpu.uuid: gpu for gpu in found}
        chosen, self._visible_note = self._visible.choose(list(by_uuid)) if found else ([], "")
        # While one is lost, indices mean others than before: then only those known are taken.
        if all(uuid in by_uuid for uuid in self._names):
            for number, index in enumerate(chosen):
                self._names.setdefault(found[index].uuid, self._free_name(number))
        self._gpus = {device: by_uuid[uuid] for uuid, device in self._names.items() if uuid in by_uuid}

    def _free_name(self, number: int) -> DeviceId:
        while (name := f"cuda:{number}") in self._names.values():
            number += 1
        return name

    def _broke(self, trouble: _Trouble) -> None:
        if trouble != self._trouble:
            _LOGGER.log(logging.WARNING if self._names else logging.INFO, "NVIDIA GPU: %s", trouble.why)
        self._trouble = trouble
        if self._retry_at_s is None:
            self._retry_at_s = self._clock() + self._delay_s
            self._delay_s = min(2 * self._delay_s, LONGEST_DELAY_S)

    def _shut_down(self) -> None:
        self._gpus.clear()
        if self._initialised:
            self._initialised = False
            with contextlib.suppress(pynvml.NVMLError):  # it may be what has gone
                pynvml.nvmlShutdown()
