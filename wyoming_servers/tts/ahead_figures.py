"""How much of what was spoken ahead of time was of use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class AheadFigures:
    """Counts since the server's start; of pieces, but for the answers."""

    answers: int = 0
    """Answers handed over while they were written."""
    made: int = 0
    """Pieces an engine was put to work on."""
    used: int = 0
    """Of those, asked for: complete or still under way."""
    wasted: int = 0
    """Of those, called off or not asked for in time."""
