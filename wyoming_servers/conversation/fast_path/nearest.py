"""The entities whose names are nearest to a name nobody answers to."""

from __future__ import annotations

from rapidfuzz import fuzz

from wyoming_servers.house.layout import HouseLayout

from .english_sound import sound_of
from .mandarin_sound import merged_reading
from .recognition import Suggestion, suggestion

_LEAST_SCORE = 45.0


def nearest(
    layout: HouseLayout, heard: str, language: str, *, domain: str | None = None, most: int = 3
) -> tuple[Suggestion, ...]:
    """Return up to `most` suggestions, nearest first, by letters and by sound; none that is far off.

    For asking back when Home Assistant (or a tool the model called) knows no such name.
    """
    wanted = heard.casefold().strip()
    scored = []
    for entity in layout.entities:
        if domain is None or entity.domain == domain:
            score = max(_likeness(wanted, name.casefold()) for name in entity.names)
            if score >= _LEAST_SCORE:
                scored.append((-score, entity.entity_id, suggestion(entity, layout, language)))
    return tuple(one for _, _, one in sorted(scored, key=lambda item: item[:2])[:most])


def _likeness(heard: str, name: str) -> float:
    letters = fuzz.WRatio(heard, name)
    return max(letters, 0.5 * letters + 0.5 * fuzz.ratio(_sound(heard), _sound(name)))


def _sound(text: str) -> str:
    if any("\u3400" <= char <= "\u9fff" for char in text):
        return " ".join(merged_reading(char) for char in text)
    return " ".join(sound_of(word) for word in text.split())
