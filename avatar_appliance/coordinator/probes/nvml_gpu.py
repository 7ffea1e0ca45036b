"""One GPU through NVML, for as long as NVML stays initialised."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pynvml

from avatar_appliance.coordinator.device import DeviceId, DeviceReading, ProcessMemory
from avatar_appliance.processes.process_identity import process_exists, process_name

Value = TypeVar("Value")

# include/linux/proc_ns.h, PROC_PID_INIT_INO: the pid namespace of the machine itself.
_INITIAL_PID_NAMESPACE = 0xEFFFFFFC
# An empty list of processes beside more memory in use than a driver keeps for itself (0 to 6 MiB were measured).
_HIDDEN_ABOVE_BYTES = 32 * 2**20
_LIST_TRIES = 3
# After these nothing else can be read either, before NVML was initialised anew.
FATAL = frozenset(
    {
        pynvml.NVML_ERROR_UNINITIALIZED,
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
        pynvml.NVML_ERROR_GPU_IS_LOST,
        pynvml.NVML_ERROR_RESET_REQUIRED,
        pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
        pynvml.NVML_ERROR_GPU_NOT_FOUND,
    }
)
# What a library or driver says that does not know memory info v2 (before driver 510).
_NO_V2 = frozenset(
    {
        pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
        pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
        pynvml.NVML_ERROR_INVALID_ARGUMENT,
        pynvml.NVML_ERROR_NOT_SUPPORTED,
    }
)

NO_MEMORY_V2 = "the driver has no memory info v2: what it keeps for itself is counted as used"
HIDDEN_PIDS = "the driver hides process ids in this container: who holds the memory is not known"
NO_PROCESSES = "the driver does not list processes: who holds the memory is not known"
NO_PROCESS_BYTES = "the driver does not tell how much each process holds"
MIG_IS_ON = "MIG is on: it is read as one GPU, and its instances are not told apart"


class NvmlGpu:
    """Reads one GPU; raises pynvml.NVMLError where memory cannot be read, or NVML has to be initialised anew."""

    def __init__(self, handle: Any, *, in_container: bool | None = None) -> None:
        self._handle = handle
        self._in_container = _in_container() if in_container is None else in_container
        self._memory_version: int | None = pynvml.nvmlMemory_v2
        self.name: str = pynvml.nvmlDeviceGetName(handle)
        self.uuid: str = pynvml.nvmlDeviceGetUUID(handle)
        self._mig = (_optional(pynvml.nvmlDeviceGetMigMode, handle) or [0])[0] == 1
        self._process_note = ""
        self._memory()  # of no use to us without

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know about the last reading."""
        v1 = NO_MEMORY_V2 if self._memory_version is None else ""
        return tuple(note for note in (v1, self._process_note, MIG_IS_ON if self._mig else "") if note)

    def read(self, device: DeviceId) -> DeviceReading:
        """Return a reading of the GPU under the name `device`."""
        memory = self._memory()
        used_bytes = int(memory.used)
        rates = _optional(pynvml.nvmlDeviceGetUtilizationRates, self._handle)
        return DeviceReading(
            device=device,
            name=self.name,
            uuid=self.uuid,
            total_bytes=int(memory.total),
            used_bytes=used_bytes,
            reserved_bytes=0 if self._memory_version is None else int(memory.reserved),
            processes=self._processes(used_bytes),
            temperature_c=self._temperature_c(),
            utilisation_percent=None if rates is None else int(rates.gpu),
        )

    def _memory(self) -> Any:
        if self._memory_version is not None:
            try:
                return pynvml.nvmlDeviceGetMemoryInfo(self._handle, version=self._memory_version)
            except pynvml.NVMLError as error:
                if error.value not in _NO_V2:
                    raise
                self._memory_version = None
        return pynvml.nvmlDeviceGetMemoryInfo(self._handle)

    def _temperature_c(self) -> int | None:
        value = _optional(pynvml.nvmlDeviceGetTemperatureV, self._handle, pynvml.NVML_TEMPERATURE_GPU)
        if value is None:  # drivers before 555
            value = _optional(pynvml.nvmlDeviceGetTemperature, self._handle, pynvml.NVML_TEMPERATURE_GPU)
        return None if value is None else int(value)

    def _processes(self, used_bytes: int) -> tuple[ProcessMemory, ...] | None:
        compute = _process_list(pynvml.nvmlDeviceGetComputeRunningProcesses_v3, self._handle)
        graphics = _process_list(pynvml.nvmlDeviceGetGraphicsRunningProcesses_v3, self._handle)
        if compute is None or graphics is None:
            self._process_note = NO_PROCESSES
            return None
        held = _by_pid((*compute, *graphics))
        living = {pid: size_bytes for pid, size_bytes in held.items() if process_exists(pid)}
        if self._in_container and (len(living) < len(held) or (not held and used_bytes > _HIDDEN_ABOVE_BYTES)):
            # The driver numbers processes as the machine does, or leaves out those of others.
            self._process_note = HIDDEN_PIDS
            return None
        # On the machine itself, what does not exist has just ended.
        self._process_note = NO_PROCESS_BYTES if None in living.values() else ""
        return tuple(ProcessMemory(pid, size_bytes, process_name(pid)) for pid, size_bytes in living.items())


def _by_pid(entries: Iterable[Any]) -> dict[int, int | None]:
    """Merge entries of one process: both lists state the bytes of the whole process."""
    held: dict[int, int | None] = {}
    for entry in entries:
        before, now = held.get(entry.pid), entry.usedGpuMemory
        held[entry.pid] = max((size for size in (before, now) if size is not None), default=None)
    return held


def _process_list(function: Callable[[Any], list[Any]], handle: Any) -> list[Any] | None:
    for _ in range(_LIST_TRIES):
        try:
            return _optional(function, handle)
        except pynvml.NVMLError_InsufficientSize:  # new processes were faster than the binding, which asks for the size
            continue
    return None


def _optional(function: Callable[..., Value], *arguments: Any) -> Value | None:
    """Call what a driver need not know; None where it does not."""
    try:
        return function(*arguments)
    except pynvml.NVMLError as error:
        if error.value in FATAL or error.value == pynvml.NVML_ERROR_INSUFFICIENT_SIZE:
            raise
        return None


def _in_container() -> bool:
    """Return whether our pids are others than the machine's."""
    try:
        return os.stat(Path("/proc/self/ns/pid")).st_ino != _INITIAL_PID_NAMESPACE
    except OSError:
        return False
