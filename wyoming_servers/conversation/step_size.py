"""How much a worker condenses at a time: a step that is broken off is lost, a short one reads the rules once more."""

from __future__ import annotations

from typing import Final

# A small model on a CPU reads thirty tokens a second, a large one on a GPU thousands.
FIRST_TOKENS: Final = 600
LEAST_TOKENS: Final = 300
MOST_TOKENS: Final = 4000
QUICK_S: Final = 4.0


class StepSize:
    """Learns it from the steps before, per worker."""

    def __init__(self) -> None:
        self._tokens: dict[str, int] = {}

    def of(self, worker: str) -> int:
        """Return how many tokens of a conversation the next step shall read."""
        return self._tokens.get(worker, FIRST_TOKENS)

    def took(self, worker: str, seconds: float) -> None:
        """Note how long a step took that came to its end."""
        if seconds < QUICK_S:
            self._tokens[worker] = min(self.of(worker) * 2, MOST_TOKENS)

    def broken_off(self, worker: str) -> None:
        """Note that a step took too long, or that somebody else needed the model."""
        self._tokens[worker] = max(self.of(worker) // 2, LEAST_TOKENS)
