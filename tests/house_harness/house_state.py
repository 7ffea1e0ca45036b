"""The states of the test house, and what intents do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_servers.house.entity import Entity, EntityState
from wyoming_servers.house.household import Household
from wyoming_servers.house.household_file import read_household

from .intent_effects import after, concerns, has_no_targets

HOUSE_FILE = Path(__file__).parents[1] / "data" / "house.yaml"


@dataclass(frozen=True, slots=True)
class IntentRun:
    """One intent that reached the house."""

    name: str
    slots: Mapping[str, Any]
    device_id: str | None


class HouseState:
    """What Home Assistant's core does, as far as the tests need it."""

    def __init__(self, household: Household | None = None) -> None:
        self.household = household or read_household(HOUSE_FILE)
        self._first = self.household
        self.runs: list[IntentRun] = []
        self.deaf: set[str] = set()
        """Entities that take a command and never change."""
        self.failing: set[str] = set()
        """Entities whose command fails."""
        self.watchers: list[Callable[[dict[str, EntityState | None]], None]] = []

    def set_state(self, entity_id: str, value: str) -> None:
        """Change one state and tell everybody who watches."""
        before = self.household.states.get(entity_id, EntityState("unknown"))
        self._change({entity_id: EntityState(value, before.attributes)})

    def reset(self) -> None:
        """Put every state back to how it was at the beginning, and forget what was run."""
        self.runs.clear()
        self._change({key: self._first.states.get(key) for key in {**self.household.states, **self._first.states}})

    def run(self, name: str, slots: Mapping[str, Any], device_id: str | None = None) -> dict[str, Any]:
        """Carry out an intent and return the answer as Home Assistant shapes it."""
        self.runs.append(IntentRun(name, dict(slots), device_id))
        if name == "HassStartTimer" and device_id is None:
            return self.error("failed_to_handle")
        no_targets = has_no_targets(name)
        targets = [] if no_targets else self._meant(self._targets(name, slots), slots, device_id)
        if not targets and not no_targets:
            return self.error("no_valid_targets")
        success, failed = [], []
        for entity in targets:
            (failed if entity.entity_id in self.failing else success).append(
                {"name": entity.name, "type": "entity", "id": entity.entity_id}
            )
            if entity.entity_id not in self.failing | self.deaf:
                self._apply(name, slots, entity)
        answer: dict[str, Any] = {
            "speech": {},
            "response_type": "action_done",
            "data": {"success": success, "failed": failed},
        }
        if name == "HassCancelAllTimers":
            answer["speech_slots"] = {"canceled": 2}
        return answer

    @staticmethod
    def error(code: str) -> dict[str, Any]:
        """Return the answer to an intent that failed."""
        return {"speech": {}, "response_type": "error", "data": {"code": code}}

    def _targets(self, name: str, slots: Mapping[str, Any]) -> list[Entity]:
        layout = self.household.layout
        wanted = str(slots.get("name", "")).strip().casefold()
        domains = _list(slots.get("domain")) or list(concerns(name))
        classes = _list(slots.get("device_class"))
        is_place = name != "HassVacuumCleanArea"  # the vacuum is sent there, it is not in it
        area = layout.area_named(str(slots["area"])) if "area" in slots and is_place else None
        floor = layout.floor_named(str(slots["floor"])) if "floor" in slots else None
        if ("area" in slots and is_place and area is None) or ("floor" in slots and floor is None):
            return []
        return [
            entity
            for entity in layout.entities
            if (not wanted or wanted in (entity.entity_id, *(n.casefold() for n in entity.names)))
            and (not domains or entity.domain in domains)
            and (not classes or entity.device_class in classes)
            and (area is None or entity.area_id == area.area_id)
            and (floor is None or getattr(layout.area_of(entity), "floor_id", None) == floor.floor_id)
            and (wanted or area or domains or floor)
        ]

    def _meant(self, found: list[Entity], slots: Mapping[str, Any], device_id: str | None) -> list[Entity]:
        """Of several with the name that was given: those in the asking device's room, else nobody knows which."""
        if "name" not in slots or len(found) < 2:
            return found
        here = self.household.layout.device_areas.get(device_id or "")
        return [entity for entity in found if here is not None and entity.area_id == here]

    def _apply(self, name: str, slots: Mapping[str, Any], entity: Entity) -> None:
        before = self.household.state_of(entity)
        if before.is_available:
            self._change({entity.entity_id: after(name, slots, entity.domain, before)})

    def _change(self, changed: dict[str, EntityState | None]) -> None:
        self.household = self.household.with_states(changed)
        for watcher in list(self.watchers):
            watcher(changed)


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [str(value)]
