"""The states of the test house, and what intents do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_servers.house.entity import Entity, EntityState
from wyoming_servers.house.household import Household
from wyoming_servers.house.household_file import read_household

HOUSE_FILE = Path(__file__).parents[1] / "data" / "house.yaml"

ON = {"cover": "open", "valve": "open", "lock": "locked", "scene": "2026-11-25T20:00:00", "vacuum": "cleaning"}
OFF = {"cover": "closed", "valve": "closed", "lock": "unlocked", "vacuum": "docked"}


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

    def run(self, name: str, slots: Mapping[str, Any], device_id: str | None = None) -> dict[str, Any]:
        """Carry out an intent and return the answer as Home Assistant shapes it."""
        self.runs.append(IntentRun(name, dict(slots), device_id))
        if name == "HassStartTimer" and device_id is None:
            return self.error("failed_to_handle")
        targets = [] if "Timer" in name else self._targets(name, slots)
        if "name" in slots and not targets and "Timer" not in name:
            return self.error("no_valid_targets")
        success, failed = [], []
        for entity in targets:
            (failed if entity.entity_id in self.failing else success).append(
                {"name": entity.name, "type": "entity", "id": entity.entity_id}
            )
            if entity.entity_id not in self.failing | self.deaf:
                self._apply(name, entity)
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
        wanted = str(slots.get("name", "")).casefold()
        domains = _list(slots.get("domain")) or (["media_player"] if name.startswith("HassMedia") else [])
        area = layout.area_named(str(slots["area"])) if "area" in slots else None
        return [
            entity
            for entity in layout.entities
            if (not wanted or wanted in (entity.entity_id, *(n.casefold() for n in entity.names)))
            and (not domains or entity.domain in domains)
            and (area is None or entity.area_id == area.area_id)
            and (wanted or area or domains)
        ]

    def _apply(self, name: str, entity: Entity) -> None:
        if not self.household.state_of(entity).is_available:
            return
        if name in ("HassTurnOn", "HassLightSet", "HassVacuumStart"):
            self.set_state(entity.entity_id, ON.get(entity.domain, "on"))
        elif name in ("HassTurnOff", "HassVacuumReturnToBase"):
            self.set_state(entity.entity_id, OFF.get(entity.domain, "off"))
        elif name == "HassMediaPause":
            self.set_state(entity.entity_id, "paused")

    def _change(self, changed: dict[str, EntityState | None]) -> None:
        self.household = self.household.with_states(changed)
        for watcher in list(self.watchers):
            watcher(changed)


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [str(value)]
