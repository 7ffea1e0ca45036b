"""From the answers of Home Assistant's registries to a layout: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wyoming_servers.house.area import Area, Floor
from wyoming_servers.house.entity import Entity, EntityState
from wyoming_servers.house.layout import HouseLayout

ASSISTANT = "conversation"
"""The name under which Home Assistant keeps what is exposed to assistants."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Registries:
    """What the registries said, as they said it."""

    floors: Sequence[Row] = ()
    areas: Sequence[Row] = ()
    devices: Sequence[Row] = ()
    entities: Sequence[Row] = ()
    """All entities, without aliases."""
    exposed: Mapping[str, Row | None] = field(default_factory=dict)
    """The extended entry of each exposed entity; None for one without a registry entry (YAML without unique id)."""


def exposed_ids(answer: Any) -> list[str]:
    """Return the ids that `homeassistant/expose_entity/list` names for the conversation assistant, sorted."""
    table = answer.get("exposed_entities", {}) if isinstance(answer, Mapping) else {}
    return sorted(
        key for key, assistants in table.items() if isinstance(assistants, Mapping) and assistants.get(ASSISTANT)
    )


def satellites(registries: Registries) -> dict[str, str]:
    """Return the area of each `assist_satellite.*`."""
    devices = _device_areas(registries.devices)
    return {
        row["entity_id"]: area
        for row in registries.entities
        if str(row.get("entity_id", "")).startswith("assist_satellite.") and (area := _area_id(row, devices))
    }


def layout_of(registries: Registries, states: Mapping[str, EntityState]) -> HouseLayout:
    """Return the layout; an exposed entity that has no state and no entry does not exist and is left out."""
    devices = _device_areas(registries.devices)
    entities = [
        entity
        for entity_id, row in sorted(registries.exposed.items())
        if (entity := _entity(entity_id, row, states.get(entity_id), devices)) is not None
    ]
    return HouseLayout(
        floors=tuple(
            Floor(row["floor_id"], _text(row["name"]), _texts(row.get("aliases"))) for row in registries.floors
        ),
        areas=tuple(
            Area(row["area_id"], _text(row["name"]), _texts(row.get("aliases")), row.get("floor_id"))
            for row in registries.areas
        ),
        entities=tuple(entities),
        device_areas=devices,
        satellite_areas=satellites(registries),
    )


def _entity(entity_id: str, row: Row | None, state: EntityState | None, devices: Mapping[str, str]) -> Entity | None:
    if state is None and row is None:
        return None
    if row is not None and (row.get("disabled_by") or row.get("hidden_by")):
        return None
    attributes = state.attributes if state else {}
    own = _text(attributes.get("friendly_name") or (row or {}).get("name") or (row or {}).get("original_name") or "")
    # Null stands for the name that Home Assistant computes, which is the friendly one.
    aliases = (row or {}).get("aliases")
    names = [own, *(_text(own if alias is None else alias) for alias in aliases or [])]
    unique = list({name.casefold(): name for name in reversed(names) if name}.values())[::-1]
    if not unique:
        return None
    features = attributes.get("supported_features")
    device_class = attributes.get("device_class") or (row or {}).get("device_class")
    return Entity(
        entity_id,
        unique[0],
        tuple(unique[1:]),
        _area_id(row, devices) if row else None,
        str(device_class) if device_class else None,
        features if isinstance(features, int) else 0,
    )


def _area_id(row: Row, devices: Mapping[str, str]) -> str | None:
    """An entity's own area comes before that of its device."""
    own = row.get("area_id")
    return str(own) if own else devices.get(str(row.get("device_id")))


def _device_areas(rows: Iterable[Row]) -> dict[str, str]:
    """A part of a device without an area of its own stands where its parent does."""
    own = {row["id"]: row["area_id"] for row in rows if row.get("area_id")}
    inherited = {
        row["id"]: own[row["parent_device_id"]]
        for row in rows
        if not row.get("area_id") and row.get("parent_device_id") in own
    }
    return own | inherited


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(text for value in values or () if (text := _text(value)))


def _text(value: Any) -> str:
    return " ".join(str(value).split())
