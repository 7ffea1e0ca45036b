"""The memory of a scripted worker: claimed on a simulated GPU, really taken from RAM, or both."""

from __future__ import annotations

import mmap
import os

from avatar_appliance.processes.process_memory import process_rss_bytes
from avatar_appliance.processes.simulated_gpu import SimulatedAllocation

# Small, so that other threads have their turn between two: mmap holds the interpreter while it fills the pages.
_CHUNK_BYTES = 32 * 2**20


class FakeMemory:
    """What this process holds: nothing before `resize`."""

    def __init__(self, simulated: SimulatedAllocation | None = None, *, allocate: bool = False) -> None:
        """Claim on `simulated` where there is one; with `allocate` take RAM, which then is what counts there."""
        self._simulated = simulated
        self._allocate = allocate
        self._chunks: list[mmap.mmap] = []

    def resize(self, size_bytes: int) -> None:
        """Hold so much from now on, all of this process counted; raises MemoryError, and then holds what it held."""
        if not self._allocate:
            if self._simulated is not None:
                self._simulated.hold(size_bytes)
            return
        more_bytes = size_bytes - (process_rss_bytes(os.getpid()) or 0)
        if self._simulated is not None:
            self._simulated.hold_rss(expected_bytes=max(0, more_bytes))
        self._take(more_bytes) if more_bytes > 0 else self._give_back(-more_bytes)

    def _take(self, size_bytes: int) -> None:
        taken = 0
        try:
            while taken < size_bytes:
                self._chunks.append(_touched(min(_CHUNK_BYTES, size_bytes - taken)))
                taken += len(self._chunks[-1])
        except OSError as error:  # ENOMEM; a control group's limit ends us by SIGKILL instead
            self._give_back(taken)
            raise MemoryError(f"{size_bytes} bytes of RAM wanted: {error.strerror}") from None

    def _give_back(self, size_bytes: int) -> None:
        while self._chunks and size_bytes > 0:
            chunk = self._chunks.pop()
            size_bytes -= len(chunk)
            chunk.close()


def _touched(size_bytes: int) -> mmap.mmap:
    """Return anonymous memory whose pages are really there."""
    return mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
