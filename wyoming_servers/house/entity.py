"""What can be asked about and controlled, and the state it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

UNAVAILABLE = "unavailable"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity that Home Assistant exposes to assistants: what it is, not how it is."""

    entity_id: str
    name: str
    aliases: tuple[str, ...] = ()
    area_id: str | None = None
    device_class: str | None = None
    supported_features: int = 0

    @property
    def domain(self) -> str:
        """`light`, `switch`, `sensor`..."""
        return self.entity_id.partition(".")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it is called, its name first."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class EntityState:
    """The state of one entity at one moment."""

    value: str
    attributes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_available(self) -> bool:
        """Whether Home Assistant reaches the thing at all."""
        return self.value != UNAVAILABLE

    @property
    def unit(self) -> str:
        """Unit of measurement; empty where there is none."""
        return str(self.attributes.get("unit_of_measurement") or "")
