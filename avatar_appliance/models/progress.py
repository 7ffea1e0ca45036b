"""How a fetch tells what it is doing."""

from __future__ import annotations

from typing import Protocol


class FetchProgress(Protocol):
    """Receives the steps of a fetch; called from the thread that fetches, many times a second."""

    def step(self, label: str, total_bytes: int | None) -> None:
        """A new step begins (and the one before is over); `total_bytes` is None where nobody knows it."""

    def at(self, done_bytes: int) -> None:
        """The current step has come to `done_bytes`, counted from its start; may fall back after a retry."""

    def note(self, text: str) -> None:
        """One sentence the owner should see, such as why a source was skipped."""


class Silence:
    """A progress that nobody watches."""

    def step(self, label: str, total_bytes: int | None) -> None:
        """Say nothing."""

    def at(self, done_bytes: int) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""


SILENCE = Silence()
