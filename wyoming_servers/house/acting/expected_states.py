"""What an entity reports once an intent was carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wyoming_servers.house.entity import Entity

_SWITCHED: Final = ("light", "switch", "fan", "input_boolean", "siren", "humidifier", "automation")
_ON: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(_SWITCHED, frozenset({"on"})),
    "cover": frozenset({"open", "opening"}),
    "valve": frozenset({"open", "opening"}),
    "lock": frozenset({"locked", "locking"}),
}
_OFF: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(_SWITCHED, frozenset({"off"})),
    "cover": frozenset({"closed", "closing"}),
    "valve": frozenset({"closed", "closing"}),
    "lock": frozenset({"unlocked", "unlocking", "open", "opening"}),
}


def expected_states(intent: str, entity: Entity) -> frozenset[str] | None:
    """Return the states that confirm an intent; None where its success does not show in the state (a scene)."""
    if intent == "HassTurnOn":
        return _ON.get(entity.domain)
    if intent == "HassTurnOff":
        return _OFF.get(entity.domain)
    if intent == "HassLightSet" and entity.domain == "light":
        return _ON["light"]
    return None
