"""What an ended process, or a refusal, means for the scheduler."""

from __future__ import annotations

import re

from avatar_appliance.coordinator.events import StartFailure
from avatar_appliance.coordinator.launcher import LaunchFailed
from avatar_appliance.processes.process import ProcessState, ProcessStatus
from avatar_appliance.processes.restart_policy import EX_CONFIG, EX_OUT_OF_MEMORY

_OUT_OF_MEMORY = re.compile(r"out[ _-]?of[ _-]?memory|cuda_?error_?memory_?allocation", re.IGNORECASE)


def says_out_of_memory(text: str) -> bool:
    """Return whether an engine's words mean that memory ran out ("CUDA Error: out of memory", "OutOfMemoryError")."""
    return _OUT_OF_MEMORY.search(text) is not None


def failed_process(status: ProcessStatus) -> LaunchFailed:
    """Return what the end of a process means, by its exit code and last words."""
    text = status.last_error or ("ended" if status.state is ProcessState.STOPPED else f"is {status.state}")
    if status.last_exit == EX_OUT_OF_MEMORY:
        return LaunchFailed("out-of-memory", "its engine ran out of memory")
    if says_out_of_memory(text):
        return LaunchFailed("out-of-memory", text)
    return LaunchFailed("config" if status.last_exit == EX_CONFIG else "crashed", text)


def refused(text: str, *, otherwise: StartFailure = "crashed") -> LaunchFailed:
    """Return what it means that a worker said `text` instead of doing what it was asked."""
    return LaunchFailed("out-of-memory" if says_out_of_memory(text) else otherwise, text)
