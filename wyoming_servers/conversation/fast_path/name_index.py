"""Which entities, areas and floors answer to which name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from hassil.intents import SlotList, TextSlotList
from hassil.util import normalize_for_matching, remove_punctuation

from wyoming_servers.house.area import Area, Floor
from wyoming_servers.house.entity import Entity
from wyoming_servers.house.layout import HouseLayout

from .grammar import Grammar
from .scripts import as_written_in

MAX_NAME_CHARS = 80

Thing = TypeVar("Thing", Entity, Area, Floor)


@dataclass(frozen=True, slots=True)
class FoundNames:
    """The names that a sentence holds, as the matcher takes them."""

    domains: frozenset[str]
    """Of the entities named; empty where none is."""
    area: bool
    floor: bool
    slot_lists: Mapping[str, SlotList]


@dataclass(frozen=True)
class NameIndex:
    """The names of a layout in one grammar's script, ready to be matched."""

    layout: HouseLayout
    entities: Mapping[str, tuple[Entity, ...]]
    """By matching form; several entities may share a name."""
    areas: Mapping[str, tuple[Area, ...]]
    floors: Mapping[str, tuple[Floor, ...]]

    def found_in(self, text: str) -> FoundNames:
        """Return the names that occur in a sentence."""
        plain = _plain(normalize_for_matching(text).text)
        names = [name for name in self.entities if _plain(name) in plain]
        values = [
            (name, name, {"domain": domain, **({"device_class": device_class} if device_class else {})})
            for name in names
            for domain, device_class in dict.fromkeys((e.domain, e.device_class) for e in self.entities[name])
        ]
        areas = [(name, name) for name in self.areas if _plain(name) in plain]
        floors = [(name, name) for name in self.floors if _plain(name) in plain]
        return FoundNames(
            frozenset(entity.domain for name in names for entity in self.entities[name]),
            bool(areas),
            bool(floors),
            {
                "name": TextSlotList.from_tuples(values, allow_template=False),
                "area": TextSlotList.from_tuples(areas, allow_template=False),
                "floor": TextSlotList.from_tuples(floors, allow_template=False),
            },
        )

    def named_in(self, text: str) -> tuple[str, ...]:
        """Return every name that occurs in a sentence, in matching form."""
        plain = _plain(normalize_for_matching(text).text)
        return tuple(name for name in self.names() if _plain(name) in plain)

    def names(self) -> Iterable[str]:
        """Every name there is, in matching form."""
        yield from dict.fromkeys([*self.entities, *self.areas, *self.floors])


def matching_form(name: str) -> str:
    """Return a name as it is compared: no punctuation at word ends, one space, folded case."""
    return " ".join(remove_punctuation(name[:MAX_NAME_CHARS]).split()).casefold()


def _plain(text: str) -> str:
    """The matcher takes a hyphen for a space, too."""
    return " ".join(text.casefold().replace("-", " ").replace("_", " ").split())


def name_index(layout: HouseLayout, grammar: Grammar) -> NameIndex:
    """Build the index; what sounds like a template is text here, never a template."""
    entities: dict[str, list[Entity]] = {}
    areas: dict[str, list[Area]] = {}
    floors: dict[str, list[Floor]] = {}
    for entity in layout.entities:
        _enter(entities, entity, [*entity.names, *_without_its_kind(entity)], grammar)
    for area in layout.areas:
        _enter(areas, area, area.names, grammar)
    for floor in layout.floors:
        _enter(floors, floor, floor.names, grammar)
    return NameIndex(layout, _frozen(entities), _frozen(areas), _frozen(floors))


def _without_its_kind(entity: Entity) -> Iterable[str]:
    """People lock "the front door", whose lock is called "Front door lock"; the templates tell it from the door."""
    for name in entity.names if entity.domain == "lock" else ():
        stem = name.removesuffix("鎖").removesuffix("锁") if name[-1] in "鎖锁" else name.removesuffix(" lock")
        if stem and stem != name:
            yield stem


def _enter(table: dict[str, list[Thing]], thing: Thing, names: Iterable[str], grammar: Grammar) -> None:
    for name in names:
        form = matching_form(as_written_in(grammar, name))
        if form and thing not in table.setdefault(form, []):
            table[form].append(thing)


def _frozen(table: Mapping[str, list[Thing]]) -> dict[str, tuple[Thing, ...]]:
    return {name: tuple(things) for name, things in table.items()}
