"""How urgently a lease needs the device's time: memory alone does not make a turn fast."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

UrgencyName = Literal["final", "first", "later", "background", "idle"]


class Urgency(IntEnum):
    """Lower goes first. Measured: processes time-slice a GPU, so F5-TTS takes twice as long while an LLM decodes."""

    FINAL = 0
    """The transcript somebody waits for."""
    FIRST = 1
    """First tokens, first clause: until the first sound is out."""
    LATER = 2
    """Later clauses and tokens, which play or wait while earlier ones are heard."""
    BACKGROUND = 3
    """Warm-up, and speech made ahead of time."""
    IDLE = 9
    """Held without computing: a person is still speaking."""

    @property
    def urgent(self) -> bool:
        """Whether others make room for it."""
        return self <= Urgency.FIRST

    @property
    def yields(self) -> bool:
        """Whether it waits a moment where an urgent one computes on the same device."""
        return self in (Urgency.LATER, Urgency.BACKGROUND)

    @property
    def wire_name(self) -> UrgencyName:
        """Its name on the lease socket."""
        return _WIRE_NAMES[self]

    @classmethod
    def from_wire(cls, name: UrgencyName) -> Urgency:
        """Return the urgency of a name on the lease socket."""
        return cls[name.upper()]


_WIRE_NAMES: dict[Urgency, UrgencyName] = {
    Urgency.FINAL: "final",
    Urgency.FIRST: "first",
    Urgency.LATER: "later",
    Urgency.BACKGROUND: "background",
    Urgency.IDLE: "idle",
}
