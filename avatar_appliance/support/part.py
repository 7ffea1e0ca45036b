"""One file of a support bundle."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A text, its name in the bundle, and a sentence for the owner about what is in it."""

    name: str
    about: str
    text: str

    @property
    def size_bytes(self) -> int:
        """How long it is, in UTF-8."""
        return len(self.text.encode("utf-8"))
