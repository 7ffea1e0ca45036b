"""The sentences of tests/data/commands_*.tsv and what is made of them: for the tests and for the benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wyoming_servers.conversation.fast_path import FastPath, Recognised, Recognition
from wyoming_servers.house.layout import HouseLayout

DATA = Path(__file__).parents[1] / "data"
FILES = {"en": DATA / "commands_en.tsv", "zh-TW": DATA / "commands_zh.tsv"}


@dataclass(frozen=True, slots=True)
class Command:
    """A sentence, where it is said, and what a person would want to come of it."""

    text: str
    language: str
    area_id: str | None
    expected: str


def commands(language: str) -> Iterator[Command]:
    """Read a file; see its first line for the format."""
    for line in FILES[language].read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            text, area_id, expected = line.split("\t")
            yield Command(text, language, None if area_id == "-" else area_id, expected)


def heard_as(command: Command, fast_path: FastPath, layout: HouseLayout) -> str:
    """Return what the fast path makes of a command, in the notation of the files."""
    area = layout.areas_by_id[command.area_id] if command.area_id else None
    return notation(fast_path.recognise(command.text, command.language, layout, area))


def notation(found: Recognition) -> str:
    """Return a recognition as the files write it."""
    if found is None:
        return "-"
    if isinstance(found, Recognised):
        slots = sorted(found.call.slots.items())
        return " ".join([found.call.intent, *(f"{name}={_value(slot.value)}" for name, slot in slots)])
    return f"?{found.doubt.value} {';'.join(one.entity_id or one.name for one in found.suggestions)}".strip()


def _value(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).replace(" ", "_")
