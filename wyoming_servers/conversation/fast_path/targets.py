"""From the slots of a recognised intent to the entities it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hassil.recognize import RecognizeResult

from wyoming_servers.house.acting.intent_call import IntentCall, Slot
from wyoming_servers.house.area import Area, Floor
from wyoming_servers.house.entity import Entity
from wyoming_servers.house.layout import HouseLayout

from .grammar import Grammar
from .name_index import NameIndex, matching_form
from .recognition import Doubt, Suggestion, Unsure, suggestion

MAX_SUGGESTIONS: Final = 3

# Intents whose templates name a room but not the kind of thing in it.
_IMPLIED_DOMAINS: Final[Mapping[str, tuple[str, ...]]] = {
    "HassClimateGetTemperature": ("climate", "sensor"),
    "HassClimateSetFanMode": ("climate",),
    "HassClimateSetTemperature": ("climate",),
    "HassFanSetSpeed": ("fan",),
    "HassGetWeather": ("weather",),
    "HassLightSet": ("light",),
    "HassMediaNext": ("media_player",),
    "HassMediaPause": ("media_player",),
    "HassMediaPlayerMute": ("media_player",),
    "HassMediaPlayerUnmute": ("media_player",),
    "HassMediaPrevious": ("media_player",),
    "HassMediaSearchAndPlay": ("media_player",),
    "HassMediaUnpause": ("media_player",),
    "HassSetPosition": ("cover", "valve"),
    "HassSetVolume": ("media_player",),
    "HassSetVolumeRelative": ("media_player",),
    "HassVacuumCleanArea": ("vacuum",),
    "HassVacuumReturnToBase": ("vacuum",),
    "HassVacuumStart": ("vacuum",),
}
# The vacuum is sent to a room, it is not in it; a timer's name is nobody's.
_AREA_IS_NO_PLACE: Final = frozenset({"HassVacuumCleanArea", "HassBroadcast"})
_NAME_IS_FREE: Final = frozenset(
    {
        "HassStartTimer", "HassCancelTimer", "HassIncreaseTimer", "HassDecreaseTimer", "HassPauseTimer",
        "HassUnpauseTimer", "HassTimerStatus", "HassCancelAllTimers",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Place:
    area: Area | None = None
    floor: Floor | None = None

    def holds(self, entity: Entity, layout: HouseLayout) -> bool:
        area = layout.area_of(entity)
        if self.area is not None and area != self.area:
            return False
        return self.floor is None or (area is not None and area.floor_id == self.floor.floor_id)

    @property
    def is_given(self) -> bool:
        return self.area is not None or self.floor is not None


def resolve(
    result: RecognizeResult, grammar: Grammar, index: NameIndex, asking_area: Area | None
) -> IntentCall | Unsure:
    """Return the call with its targets, or why they are not clear."""
    slots = {name: Slot(entity.value, entity.text.strip()) for name, entity in result.entities.items()}
    intent = result.intent.name
    place = _place(slots, index, asking_area)
    heard = str(slots["name"].spoken) if "name" in slots else ""
    if "name" in slots and intent not in _NAME_IS_FREE:
        found = _named(result, slots["name"], index)
        targets = [entity for entity in found if place.holds(entity, index.layout)]
        if not targets:
            return Unsure(
                Doubt.ELSEWHERE,
                intent,
                grammar.language,
                heard,
                suggest(found, index.layout, grammar.language),
                _details(slots),
            )
        targets = _nearest_to(targets, asking_area, index.layout)
        if len(targets) > 1:
            return Unsure(
                Doubt.AMBIGUOUS,
                intent,
                grammar.language,
                heard,
                suggest(targets, index.layout, grammar.language),
                _details(slots),
            )
        slots["name"] = Slot(targets[0].entity_id, _as_written(targets[0], str(slots["name"].value), grammar))
    else:
        targets = _of_a_kind(intent, slots, place, index.layout)
        if not targets and _needs_targets(intent, slots):
            return Unsure(Doubt.NOTHING_THERE, intent, grammar.language, heard, (), _details(slots))
    area, floor = place.area, place.floor
    if area is not None and "area" in slots:
        slots["area"] = Slot(area.area_id, slots["area"].text or area.name)
    if floor is not None and "floor" in slots:
        slots["floor"] = Slot(floor.floor_id, slots["floor"].text or floor.name)
    return IntentCall(intent, grammar.language, slots, tuple(targets), area, floor, result.response)


def suggest(entities: Iterable[Entity], layout: HouseLayout, language: str) -> tuple[Suggestion, ...]:
    """Return entities as suggestions, at most three."""
    return tuple(suggestion(entity, layout, language) for entity in list(entities)[:MAX_SUGGESTIONS])


def _place(slots: Mapping[str, Slot], index: NameIndex, asking_area: Area | None) -> _Place:
    area = floor = None
    if "area" in slots:
        value = str(slots["area"].value)
        candidates = index.areas.get(value) or index.areas.get(matching_form(value)) or ()
        if asking_area is not None and value == asking_area.area_id:
            area = asking_area
        else:
            area = asking_area if asking_area in candidates else next(iter(candidates), None)
    if "floor" in slots:
        floor = next(iter(index.floors.get(str(slots["floor"].value), ())), None)
    return _Place(area, floor)


def _named(result: RecognizeResult, name: Slot, index: NameIndex) -> list[Entity]:
    """The entities of that name that the matched template is about."""
    found = index.entities.get(str(name.value), ())
    domain, device_class = _context(result, "domain"), _context(result, "device_class")
    fitting = [entity for entity in found if domain in (None, entity.domain)]
    if device_class is not None and "device_class" in (result.intent_data.requires_context or {}):
        fitting = [entity for entity in fitting if entity.device_class == device_class]
    return fitting


def _context(result: RecognizeResult, key: str) -> str | None:
    value = result.context.get(key)
    if isinstance(value, Mapping):
        value = value.get("value")
    return value if isinstance(value, str) else None


def _nearest_to(targets: list[Entity], asking_area: Area | None, layout: HouseLayout) -> list[Entity]:
    """Of several with one name, those in the asker's room; else those on the asker's floor."""
    if len(targets) < 2 or asking_area is None:
        return targets
    here = [entity for entity in targets if layout.area_of(entity) == asking_area]
    if here:
        return here
    if asking_area.floor_id is None:
        return targets
    on_floor = [e for e in targets if (area := layout.area_of(e)) is not None and area.floor_id == asking_area.floor_id]
    return on_floor if len(on_floor) == 1 else targets


def _of_a_kind(intent: str, slots: Mapping[str, Slot], place: _Place, layout: HouseLayout) -> list[Entity]:
    domains = _texts(slots.get("domain")) or _IMPLIED_DOMAINS.get(intent, ())
    if not domains:
        return []
    classes = _texts(slots.get("device_class"))
    if intent == "HassClimateGetTemperature":
        return _thermometers(place, layout)
    where = _Place() if intent in _AREA_IS_NO_PLACE else place
    return [
        entity
        for entity in layout.entities
        if entity.domain in domains and (not classes or entity.device_class in classes) and where.holds(entity, layout)
    ]


def _thermometers(place: _Place, layout: HouseLayout) -> list[Entity]:
    """A room's sensor for temperature tells more than its thermostat, which may be on the far wall."""
    here = [entity for entity in layout.entities if place.is_given and place.holds(entity, layout)]
    sensors = [entity for entity in here if entity.domain == "sensor" and entity.device_class == "temperature"]
    return sensors[:1] or [entity for entity in here if entity.domain == "climate"][:1]


def _needs_targets(intent: str, slots: Mapping[str, Slot]) -> bool:
    return bool("domain" in slots or "device_class" in slots or intent in _IMPLIED_DOMAINS)


def _texts(slot: Slot | None) -> tuple[str, ...]:
    if slot is None:
        return ()
    values: Iterable[object] = slot.value if isinstance(slot.value, (list, tuple)) else (slot.value,)
    return tuple(str(value) for value in values)


def _as_written(entity: Entity, form: str, grammar: Grammar) -> str:
    """The name that was said, as the owner wrote it."""
    from .scripts import as_written_in

    return next((name for name in entity.names if matching_form(as_written_in(grammar, name)) == form), entity.name)


def _details(slots: Mapping[str, Slot]) -> dict[str, str]:
    return {key: str(slots[key].spoken) for key in ("area", "floor", "domain", "device_class") if key in slots}
