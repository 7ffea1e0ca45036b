"""Rooms and storeys."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Floor:
    """A storey of the house."""

    floor_id: str
    name: str
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it is called, its name first."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Area:
    """A room, or a place such as the garden."""

    area_id: str
    name: str
    aliases: tuple[str, ...] = ()
    floor_id: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it is called, its name first."""
        return (self.name, *self.aliases)
