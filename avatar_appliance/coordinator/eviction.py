"""Who may be sent away for a start."""

from __future__ import annotations

from enum import IntEnum


class Eviction(IntEnum):
    """How far a start may go; higher sends more away."""

    NONE = 0
    LOWER = 1
    """Idle workers of no higher priority that have been up for a while."""
    ANY = 2
    """Whoever is idle: a person wants it."""
