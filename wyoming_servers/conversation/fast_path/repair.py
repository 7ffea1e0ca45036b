"""A name that was misheard, and what it was most likely meant to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .certainty import Certainty


@dataclass(frozen=True, slots=True)
class Repair:
    """Part of a sentence, and the name of the household that sounds like it."""

    start: int
    end: int
    heard: str
    name: str
    certainty: Certainty

    def overlaps(self, other: Repair) -> bool:
        """Whether both concern some same characters."""
        return self.start < other.end and other.start < self.end


def repaired(text: str, repairs: Sequence[Repair]) -> str:
    """Return the sentence with these repairs, which must not overlap."""
    for repair in sorted(repairs, key=lambda one: one.start, reverse=True):
        text = f"{text[: repair.start]}{repair.name}{text[repair.end :]}"
    return text
