"""The compact form in which Home Assistant streams states (`subscribe_entities`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from wyoming_servers.house.entity import EntityState


def changed_states(event: Any, known: Mapping[str, EntityState]) -> dict[str, EntityState | None]:
    """Return the states an event changes; None for an entity that is gone.

    `a` adds whole states, `c` holds differences (`+` set, `-` removed attributes), `r` lists removed entities.
    """
    if not isinstance(event, Mapping):
        return {}
    changed: dict[str, EntityState | None] = {}
    for entity_id, row in (event.get("a") or {}).items():
        changed[entity_id] = _state(str(row.get("s", "")), row.get("a") or {})
    for entity_id, difference in (event.get("c") or {}).items():
        before = known.get(entity_id)
        if before is None:
            continue
        added = difference.get("+") or {}
        removed = set((difference.get("-") or {}).get("a") or ())
        attributes = {key: value for key, value in before.attributes.items() if key not in removed}
        changed[entity_id] = _state(str(added.get("s", before.value)), {**attributes, **(added.get("a") or {})})
    for entity_id in event.get("r") or ():
        changed[entity_id] = None
    return changed


def _state(value: str, attributes: Mapping[str, Any]) -> EntityState:
    return EntityState(value, MappingProxyType(dict(attributes)))
