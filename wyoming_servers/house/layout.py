"""What the house consists of: floors, areas, entities, and where each device stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .area import Area, Floor
from .entity import Entity


@dataclass(frozen=True)
class HouseLayout:
    """The unchanging part of a household.

    As long as nothing is renamed, moved, exposed or hidden, every snapshot holds this very object: whoever derives
    something costly from names keeps it by the layout's identity.
    """

    floors: tuple[Floor, ...] = ()
    areas: tuple[Area, ...] = ()
    entities: tuple[Entity, ...] = ()
    device_areas: Mapping[str, str] = field(default_factory=dict)
    """Area by device id, for all devices: the asking satellite is one of them."""
    satellite_areas: Mapping[str, str] = field(default_factory=dict)
    """Area by entity id, for entities that listen (`assist_satellite.*`)."""

    @cached_property
    def areas_by_id(self) -> Mapping[str, Area]:
        """Areas by their id."""
        return {area.area_id: area for area in self.areas}

    @cached_property
    def entities_by_id(self) -> Mapping[str, Entity]:
        """Entities by their id."""
        return {entity.entity_id: entity for entity in self.entities}

    def area_of(self, entity: Entity) -> Area | None:
        """Return the area an entity is in; None where Home Assistant does not say."""
        return self.areas_by_id.get(entity.area_id) if entity.area_id else None

    def area_named(self, name: str) -> Area | None:
        """Return the area of that id, name or alias (whatever the case)."""
        wanted = name.strip().casefold()
        if found := self.areas_by_id.get(name):
            return found
        return next((area for area in self.areas if any(n.casefold() == wanted for n in area.names)), None)

    def floor_named(self, name: str) -> Floor | None:
        """Return the floor of that id, name or alias (whatever the case)."""
        wanted = name.strip().casefold()
        return next(
            (f for f in self.floors if f.floor_id == name or any(n.casefold() == wanted for n in f.names)), None
        )

    def asking_area(self, device_id: str | None, satellite_id: str | None) -> Area | None:
        """Return the room somebody asks from, by the ids that Home Assistant hands on with a question."""
        area_id = self.satellite_areas.get(satellite_id or "") or self.device_areas.get(device_id or "")
        return self.areas_by_id.get(area_id) if area_id else None
