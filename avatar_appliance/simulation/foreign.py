"""Somebody else's process on a device: a game, a transcoder, a training run."""

from __future__ import annotations

from .clock import VirtualClock
from .memory import SimulatedMemory

STEP_S = 0.1
"""How often it asks for more."""


class ForeignProcess:
    """Takes its memory bit by bit as it loads, and waits where the device has none left."""

    def __init__(
        self, clock: VirtualClock, memory: SimulatedMemory, name: str, wants_bytes: int, *, step_bytes: int = 2**29
    ) -> None:
        self._clock = clock
        self._memory = memory
        self._step_bytes = step_bytes
        self.name = name
        self.wants_bytes = wants_bytes
        self.here = False
        self.kept_waiting_s = 0.0
        """How long it found nothing free, in all."""

    def arrive(self) -> None:
        """Begin to take memory."""
        self.here = True
        self._take()

    def leave(self) -> None:
        """End: all of its memory is back."""
        self.here = False
        self._memory.release(self.name)

    @property
    def has_all(self) -> bool:
        """Whether it has what it wants."""
        return self._memory.held.get(self.name, 0) >= self.wants_bytes

    def _take(self) -> None:
        if not self.here or self.has_all:
            return
        held = self._memory.held.get(self.name, 0)
        more = min(self._step_bytes, self.wants_bytes - held, self._memory.free_bytes)
        if more > 0:
            self._memory.hold(self.name, held + more)
        else:
            self.kept_waiting_s += STEP_S
        self._clock.after(STEP_S, self._take)
