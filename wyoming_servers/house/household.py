"""The household at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .entity import UNKNOWN, Entity, EntityState
from .layout import HouseLayout

_UNKNOWN = EntityState(UNKNOWN)


@dataclass(frozen=True)
class Household:
    """An immutable snapshot: the layout, and a state for each entity that reported one."""

    layout: HouseLayout = field(default_factory=HouseLayout)
    states: Mapping[str, EntityState] = field(default_factory=dict)

    def state_of(self, entity: Entity) -> EntityState:
        """Return the state of an entity, `unknown` where none was reported."""
        return self.states.get(entity.entity_id, _UNKNOWN)

    def with_states(self, changed: Mapping[str, EntityState | None]) -> Household:
        """Return a snapshot with these states changed (None: gone); the layout stays the same object."""
        states = {**self.states, **{key: state for key, state in changed.items() if state is not None}}
        for key, state in changed.items():
            if state is None:
                states.pop(key, None)
        return replace(self, states=states)
