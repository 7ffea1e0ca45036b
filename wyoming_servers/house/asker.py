"""Who asks, and from where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from .area import Area
from .layout import HouseLayout


@dataclass(frozen=True, slots=True)
class Asker:
    """The place a question comes from, as Home Assistant hands it on in the context of a transcript."""

    language: str
    device_id: str | None = None
    satellite_id: str | None = None

    @classmethod
    def from_context(cls, context: Mapping[str, Any] | None, language: str) -> Self:
        """Read `device_id` and `satellite_id`; anything that is no text is left out."""
        ids = {key: value for key, value in (context or {}).items() if isinstance(value, str) and value}
        return cls(language, ids.get("device_id"), ids.get("satellite_id"))

    def area(self, layout: HouseLayout) -> Area | None:
        """Return the room the asker is in."""
        return layout.asking_area(self.device_id, self.satellite_id)
