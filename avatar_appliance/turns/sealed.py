"""What remains of decisions when the stages that made them leave."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(slots=True)
class Sealed:
    """Decisions of one step (transcript -> thought, or thought -> speech) that outlive their evidence.

    `joined` is uptake -> offer for good. `contested` stages could have belonged to one that has left; they, and any
    that could belong to them, stay separate. Stages that had to leave early may have belonged to anything that began
    before `blind_until`: among those, only joins `held` since then count.
    """

    joined: dict[str, str] = field(default_factory=dict)
    contested: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)
    blind_until: float = 0.0

    def forget(self, owners: Collection[str]) -> None:
        """Drop what concerns stages that have left."""
        self.contested.difference_update(owners)
        self.joined = _without(owners, self.joined)
        self.held = _without(owners, self.held)


def _without(owners: Collection[str], pairs: dict[str, str]) -> dict[str, str]:
    return {uptake: offer for uptake, offer in pairs.items() if uptake not in owners and offer not in owners}


@dataclass(frozen=True, slots=True)
class Memory:
    """What is sealed, for both steps of a turn."""

    heard: Sealed = field(default_factory=Sealed)
    said: Sealed = field(default_factory=Sealed)

    def forget(self, stage_ids: Collection[str]) -> None:
        """Drop what concerns stages that have left."""
        self.heard.forget(stage_ids)
        self.said.forget(stage_ids)
