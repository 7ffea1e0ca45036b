"""How sure it is that a word was meant as another."""

from __future__ import annotations

from enum import IntEnum


class Certainty(IntEnum):
    """Ordered: the certainty of a name is that of its least certain part."""

    NONE = 0
    """Another word."""
    LIKELY = 1
    """Close enough to ask whether it was meant, not to act."""
    CERTAIN = 2
    """The same sound, written differently."""
    EXACT = 3
    """The same word."""
