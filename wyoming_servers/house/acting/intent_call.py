"""An intent with everything it needs to be carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wyoming_servers.house.area import Area, Floor
from wyoming_servers.house.entity import Entity


@dataclass(frozen=True, slots=True)
class Slot:
    """One value of an intent, and how it was said."""

    value: Any
    text: str = ""

    @property
    def spoken(self) -> Any:
        """What an answer calls it."""
        return self.text or self.value


@dataclass(frozen=True, slots=True)
class IntentCall:
    """One intent of Home Assistant (`HassTurnOn`), resolved against the household."""

    intent: str
    language: str
    """The language data that recognised it (`en`, `zh-TW`): answers come from the same."""
    slots: Mapping[str, Slot] = field(default_factory=dict)
    targets: tuple[Entity, ...] = ()
    """The entities it means; empty for intents that mean none (timers, the clock)."""
    area: Area | None = None
    floor: Floor | None = None
    response: str | None = None
    """Key of the answer's template."""

    @property
    def named_target(self) -> Entity | None:
        """The entity that was called by its name."""
        return self.targets[0] if "name" in self.slots and len(self.targets) == 1 else None
