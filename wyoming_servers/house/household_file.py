"""A household from a YAML file, for a house that gives no token.

floors: {ground: {name: Ground floor, aliases: [一樓]}}
areas: {kitchen: {name: Kitchen, aliases: [廚房], floor: ground}}
devices: {5f2c...: kitchen}            # the id of a satellite's device -> its area
entities:
  light.kitchen_lamp: {name: Kitchen lamp, aliases: [廚房燈], area: kitchen, state: "off"}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .area import Area, Floor
from .entity import Entity, EntityState
from .errors import HouseholdFileInvalid
from .household import Household
from .layout import HouseLayout

MAX_FILE_BYTES = 2**21

_Text = Annotated[str, Field(min_length=1, max_length=200)]
_EntityId = Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Text
    aliases: tuple[_Text, ...] = ()


class _Area(_Entry):
    floor: str | None = None


class _Entity(_Entry):
    area: str | None = None
    device_class: str | None = None
    supported_features: int = 0
    state: str = "unknown"
    attributes: dict[str, Any] = Field(default_factory=dict)

    @field_validator("state", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """YAML reads an unquoted `on` or `off` as a truth value, and 21.5 as a number."""
        if isinstance(value, bool):
            return "on" if value else "off"
        return str(value) if isinstance(value, (int, float)) else value


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    floors: dict[str, _Entry] = Field(default_factory=dict)
    areas: dict[str, _Area] = Field(default_factory=dict)
    devices: dict[str, str] = Field(default_factory=dict)
    satellites: dict[_EntityId, str] = Field(default_factory=dict)
    entities: dict[_EntityId, _Entity] = Field(default_factory=dict)


def read_household(path: Path) -> Household:
    """Return the household of a file; raise HouseholdFileInvalid naming what is wrong with it."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise HouseholdFileInvalid(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        tree = yaml.safe_load(path.read_text("utf-8"))
        file = _File.model_validate(tree if tree is not None else {})
    except (OSError, UnicodeDecodeError) as error:
        raise HouseholdFileInvalid(f"{path}: cannot be read ({type(error).__name__})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise HouseholdFileInvalid(f"{path}:{mark.line + 1 if mark else 1}: no valid YAML") from None
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)[:5])
        raise HouseholdFileInvalid(f"{path}: {problems}") from None
    _check_references(path, file)
    return _household(file)


def _check_references(path: Path, file: _File) -> None:
    wanted: list[tuple[str, str, str | None, Mapping[str, object]]] = [
        *(("areas", key, area.floor, file.floors) for key, area in file.areas.items()),
        *(("entities", key, entity.area, file.areas) for key, entity in file.entities.items()),
        *(("devices", key, area, file.areas) for key, area in file.devices.items()),
        *(("satellites", key, area, file.areas) for key, area in file.satellites.items()),
    ]
    for section, key, target, known in wanted:
        if target is not None and target not in known:
            raise HouseholdFileInvalid(f"{path}: {section}.{key}: {target!r} is not defined (there are: {list(known)})")


def _household(file: _File) -> Household:
    layout = HouseLayout(
        floors=tuple(Floor(key, floor.name, floor.aliases) for key, floor in file.floors.items()),
        areas=tuple(Area(key, area.name, area.aliases, area.floor) for key, area in file.areas.items()),
        entities=tuple(
            Entity(key, e.name, e.aliases, e.area, e.device_class, e.supported_features)
            for key, e in sorted(file.entities.items())
        ),
        device_areas=dict(file.devices),
        satellite_areas=dict(file.satellites),
    )
    return Household(layout, {key: _state(entity) for key, entity in file.entities.items()})


def _state(entity: _Entity) -> EntityState:
    attributes = {"friendly_name": entity.name, **entity.attributes}
    if entity.device_class:
        attributes["device_class"] = entity.device_class
    return EntityState(entity.state, MappingProxyType(attributes))


class FileHousehold:
    """A household that never changes: names and areas are known, states are not."""

    is_live = False

    def __init__(self, path: Path | None) -> None:
        """Without a path the household is empty: only what needs no name is understood."""
        self._path = path
        self._household = Household()

    def household(self) -> Household:
        """Return what the file says."""
        return self._household

    async def wait_until(self, holds: Callable[[Household], bool], timeout_s: float) -> bool:
        """Nothing ever changes here."""
        return False

    async def start(self) -> None:
        """Read the file; raise HouseholdFileInvalid."""
        if self._path is not None:
            self._household = read_household(self._path)

    async def close(self) -> None:
        """Nothing runs."""
