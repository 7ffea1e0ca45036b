"""The words a speech recogniser should expect in this house."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wyoming_servers.house.area import Area
from wyoming_servers.house.entity import Entity
from wyoming_servers.house.layout import HouseLayout

MAX_NAMES = 400


def vocabulary(layout: HouseLayout, asking_area: Area | None = None, *, most: int = MAX_NAMES) -> tuple[str, ...]:
    """Return the names of things and places, without repetition, at most `most`.

    The asker's room comes first, then its floor, then the rest: a recogniser's prompt is short and is cut at the end.
    """
    names = dict.fromkeys(name for thing in _by_distance(layout, asking_area) for name in thing.names if name)
    return tuple(names)[:most]


def _by_distance(layout: HouseLayout, asking_area: Area | None) -> Iterator[Area | Entity]:
    if asking_area is not None:
        yield asking_area
        yield from _in(layout, [asking_area])
        if asking_area.floor_id is not None:
            neighbours = [area for area in layout.areas if area.floor_id == asking_area.floor_id]
            yield from neighbours
            yield from _in(layout, neighbours)
    yield from layout.areas
    yield from layout.entities


def _in(layout: HouseLayout, areas: Iterable[Area]) -> Iterator[Entity]:
    ids = {area.area_id for area in areas}
    return (entity for entity in layout.entities if entity.area_id in ids)
