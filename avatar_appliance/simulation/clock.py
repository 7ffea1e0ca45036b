"""Time that passes as fast as events are dealt with."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Timer:
    """A call that is due; `call` is None when it was made or cancelled."""

    __slots__ = ("call", "due_s")

    def __init__(self, due_s: float, call: Callable[[], None]) -> None:
        self.due_s = due_s
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Do not call; harmless when it was called already."""
        self.call = None


class VirtualClock:
    """Calls what is due, in the order of time, and of asking where times are equal."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._due: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()

    def after(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Have `call` called in `delay_s`."""
        timer = Timer(self.now_s + max(0.0, delay_s), call)
        heapq.heappush(self._due, (timer.due_s, next(self._count), timer))
        return timer

    def run_until(self, until_s: float) -> None:
        """Let time pass until `until_s`."""
        while self._due and self._due[0][0] <= until_s:
            due_s, _, timer = heapq.heappop(self._due)
            self.now_s = max(self.now_s, due_s)
            if (call := timer.call) is not None:
                timer.call = None
                call()
        self.now_s = max(self.now_s, until_s)
