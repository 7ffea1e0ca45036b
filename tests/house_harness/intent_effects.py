"""What an intent does to one entity of the test house: its state and the attributes that show it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from wyoming_servers.house.entity import EntityState

ON: Final = {"cover": "open", "valve": "open", "lock": "locked", "scene": "2026-11-25T20:00:00", "vacuum": "cleaning"}
OFF: Final = {"cover": "closed", "valve": "closed", "lock": "unlocked", "vacuum": "docked"}

# The kinds of things that an intent is about, where its slots do not say.
DOMAINS: Final[Mapping[str, tuple[str, ...]]] = {
    "HassClimateSetTemperature": ("climate",),
    "HassFanSetSpeed": ("fan",),
    "HassLightSet": ("light",),
    "HassListAddItem": ("todo",),
    "HassMedia": ("media_player",),
    "HassSetPosition": ("cover", "valve"),
    "HassSetVolume": ("media_player",),
    "HassVacuum": ("vacuum",),
}
# What concerns nothing in the house.
NO_TARGETS: Final = ("Timer", "HassBroadcast")

_STATES: Final = {
    "HassMediaPause": "paused",
    "HassMediaUnpause": "playing",
    "HassMediaSearchAndPlay": "playing",
    "HassVacuumStart": "cleaning",
    "HassVacuumCleanArea": "cleaning",
    "HassVacuumReturnToBase": "docked",
}
_STEPS: Final = {"HassMediaNext": 1, "HassMediaPrevious": -1}
_MUTED: Final = {"HassMediaPlayerMute": True, "HassMediaPlayerUnmute": False}
# Slots that show in an attribute of the same name.
_KEPT: Final = {
    "HassClimateSetTemperature": ("temperature",),
    "HassFanSetSpeed": ("percentage",),
    "HassLightSet": ("brightness", "color", "temperature"),
    "HassMediaSearchAndPlay": ("search_query",),
    "HassSetPosition": ("position",),
    "HassSetVolume": ("volume_level",),
    "HassSetVolumeRelative": ("volume_step",),
    "HassVacuumCleanArea": ("area",),
}


def concerns(intent: str) -> tuple[str, ...]:
    """Return the domains an intent is about; empty where its slots say it."""
    return next((domains for name, domains in DOMAINS.items() if intent.startswith(name)), ())


def has_no_targets(intent: str) -> bool:
    """Whether an intent is about no entity at all (a timer, an announcement)."""
    return any(word in intent for word in NO_TARGETS)


def after(intent: str, slots: Mapping[str, Any], domain: str, before: EntityState) -> EntityState:
    """Return the state that an intent leads to."""
    attributes = dict(before.attributes)
    attributes |= {key: _number(slots[key]) for key in _KEPT.get(intent, ()) if key in slots}
    if intent in _MUTED:
        attributes["is_volume_muted"] = _MUTED[intent]
    if intent in _STEPS:
        attributes["track"] = attributes.get("track", 0) + _STEPS[intent]
    if intent == "HassListAddItem":
        attributes["items"] = (*attributes.get("items", ()), str(slots.get("item", "")).casefold())
    return EntityState(_value(intent, slots, domain, before.value), MappingProxyType(attributes))


def _value(intent: str, slots: Mapping[str, Any], domain: str, before: str) -> str:
    if intent in ("HassTurnOn", "HassLightSet", "HassFanSetSpeed"):
        return ON.get(domain, "on")
    if intent == "HassTurnOff":
        return OFF.get(domain, "off")
    if intent == "HassSetPosition":
        return "closed" if _number(slots.get("position", 0)) == 0 else "open"
    if intent == "HassListAddItem":
        return str(int(before) + 1) if before.isdigit() else before
    return _STATES.get(intent, before)


def _number(value: Any) -> Any:
    """As a whole number where it is one: 21, 21.0 and "21" are the same wish."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return value
    return int(number) if number.is_integer() else number
