"""What the canary has found so far, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from .listening import Miss

MISSES = 2
"""In a row, before anything is done: small models misunderstand a sentence now and then."""
FIRST_REST_S = 600.0
LONGEST_REST_S = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class CanaryProblem:
    """Two misses in a row or more; `since` is the first one, epoch seconds."""

    worker: str
    code: str
    text: str
    since: float


class CanaryRecord:
    """Pure: no clock, no I/O. Times are seconds of one clock of the caller's."""

    def __init__(self) -> None:
        self.problem: CanaryProblem | None = None
        """None as soon as the canary was understood once."""
        self.misses = 0
        """In a row."""
        self._since = 0.0
        self._restarts: dict[str, int] = {}
        self._rests_until_s: dict[str, float] = {}

    def success(self) -> None:
        """Forget everything: a worker that is well again gets its next restart at once."""
        self.problem, self.misses = None, 0
        self._restarts.clear()
        self._rests_until_s.clear()

    def miss(self, miss: Miss, now_s: float) -> str | None:
        """Note a miss; return the worker that is to be restarted now, if any.

        Of several suspects it is the one that was restarted least. Each restart of a worker doubles the time until its
        next one, so that one that is broken for good is not restarted for ever.
        """
        self.misses += 1
        if self.misses == 1:
            self._since = now_s
        if self.misses < MISSES:
            return None
        worker = min(miss.suspects, key=lambda name: self._restarts.get(name, 0))
        self.problem = CanaryProblem(worker, miss.code, miss.text, self._since)
        if now_s < self._rests_until_s.get(worker, now_s):
            return None
        done = self._restarts.get(worker, 0)
        self._restarts[worker] = done + 1
        self._rests_until_s[worker] = now_s + min(FIRST_REST_S * 2**done, LONGEST_REST_S)
        return worker
