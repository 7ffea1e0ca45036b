"""The life of a scripted worker beside its requests: its memory, and what goes wrong when it starts and ends."""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
from typing import Self

from avatar_appliance.config.workers import FakeWorker
from avatar_appliance.processes.simulated_gpu import SimulatedAllocation

from .fake_child import leave_child
from .fake_memory import FakeMemory

_LOGGER = logging.getLogger(__name__)


class FakeLife:
    """Of a worker on the device that its settings name: `cuda:N` where it was assigned one, else RAM."""

    def __init__(self, settings: FakeWorker, simulated: SimulatedAllocation | None = None) -> None:
        self._settings = settings
        self._on_gpu = settings.device.startswith("cuda")
        self._memory = FakeMemory(simulated if self._on_gpu else None, allocate=settings.allocate)
        self._child: subprocess.Popen[bytes] | None = None

    @classmethod
    def from_environment(cls, settings: FakeWorker) -> Self:
        """Return one whose memory on a GPU is claimed on the simulated card that the environment names, if it does."""
        return cls(settings, SimulatedAllocation.from_environment())

    def defy(self) -> None:
        """Ignore SIGTERM if that is in the script; in the main thread, after whoever else handles it has begun to."""
        if self._settings.ignore_sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def load(self) -> None:
        """Take `load_s` seconds and the memory of the script; raises MemoryError, or never returns."""
        settings = self._settings
        rest_bytes = settings.memory
        peak_bytes = rest_bytes if settings.peak_memory is None else settings.peak_memory
        if peak_bytes is not None:
            self._memory.resize(peak_bytes)
        if settings.oom_at_start:
            raise MemoryError("scripted")
        threading.Event().wait(None if settings.hang_at_start else settings.load_s)
        if rest_bytes is not None:
            self._memory.resize(rest_bytes)
        if settings.leave_child:
            self._child = leave_child(settings.leave_child, on_gpu=self._on_gpu, allocate=settings.allocate)
        if settings.grow_to is not None:
            timer = threading.Timer(settings.grow_after_s, self._grow, (settings.grow_to,))
            timer.daemon = True
            timer.start()

    def _grow(self, size_bytes: int) -> None:
        try:
            self._memory.resize(size_bytes)
        except MemoryError as error:
            _LOGGER.warning("would grow beyond its estimate, and cannot: %s", error)
        else:
            _LOGGER.info("has grown beyond its estimate, to %d bytes", size_bytes)
