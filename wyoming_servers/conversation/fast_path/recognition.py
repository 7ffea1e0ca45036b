"""What the fast path makes of a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from wyoming_servers.house.acting.intent_call import IntentCall
from wyoming_servers.house.entity import Entity
from wyoming_servers.house.layout import HouseLayout
from wyoming_servers.house.naming import name_in

from .repair import Repair


@dataclass(frozen=True, slots=True)
class Recognised:
    """A plain command or question; nothing is left to guess."""

    call: IntentCall
    repairs: tuple[Repair, ...] = ()
    """Names that were misheard and put right."""


class Doubt(Enum):
    """Why a sentence that is a command cannot be carried out as it is."""

    AMBIGUOUS = "ambiguous"
    """Several things answer to the name."""
    MISHEARD = "misheard"
    """No thing answers to the name, but some sound like it."""
    ELSEWHERE = "elsewhere"
    """The named thing is not in the named room."""
    NOTHING_THERE = "nothing-there"
    """The room has nothing of that kind."""
    UNKNOWN = "unknown"
    """Nothing is called anything like it; the suggestions are merely nearest."""
    NO_ROOM = "no-room"
    """It would be clear in a room, and nobody knows in which one it was said."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that may have been meant: an entity, or a whole room."""

    name: str
    area: str | None = None
    """The room an entity is in: it tells two of one name apart."""
    entity_id: str | None = None


def suggestion(entity: Entity, layout: HouseLayout, language: str) -> Suggestion:
    """Return an entity as a suggestion, named in a language."""
    area = layout.area_of(entity)
    return Suggestion(
        name_in(entity.names, language), name_in(area.names, language) if area else None, entity.entity_id
    )


@dataclass(frozen=True, slots=True)
class Unsure:
    """A command whose target is not clear: to be asked back about, or left to the language model."""

    doubt: Doubt
    intent: str
    language: str
    heard: str
    """The name as it was said."""
    suggestions: tuple[Suggestion, ...] = ()
    """What may have been meant, nearest first; at most three."""
    details: dict[str, str] = field(default_factory=dict)
    """Area, floor, domain, device class, where they were given."""


Recognition = Recognised | Unsure | None
"""None: no plain command; the language model's."""
