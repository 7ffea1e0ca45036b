"""The questions of tests/data/questions.yaml: for the tests and for the benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from wyoming_servers.house.household import Household
from wyoming_servers.house.household_file import read_household

from .house_state import HOUSE_FILE

QUESTIONS_FILE = Path(__file__).parents[1] / "data" / "questions.yaml"
LANGUAGES: Final = ("en", "zh-TW")
_KNOWN: Final = {"kind", "from", "call", "becomes", "asks", "may_ask", "answers", *LANGUAGES}


@dataclass(frozen=True)
class Wish:
    """One thing somebody says, and what shall come of it."""

    text: str
    language: str
    kind: str
    device_id: str | None = None
    calls: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Intents that shall reach the house, with the slots that matter."""
    becomes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By entity: what shall change, `state` and attributes; a list means one of these."""
    asks: tuple[str, ...] | None = None
    """Names of which a question back has one; empty: any question; None: it shall not ask."""
    may_ask: bool = False
    answers: tuple[str, ...] | None = None
    """Of which the answer has one; empty: any answer; None: whatever suits."""


@lru_cache
def wishes() -> tuple[Wish, ...]:
    """Return all of them, each row once per language."""
    return tuple(_wish(row, language) for row in _file()["questions"] for language in LANGUAGES)


@lru_cache
def questioned_household() -> Household:
    """Return the test house with what the questions add to it."""
    tree = yaml.safe_load(HOUSE_FILE.read_text("utf-8"))
    tree["entities"] |= _file()["house"]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "house.yaml"
        path.write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")
        return read_household(path)


@lru_cache
def _file() -> Any:
    return yaml.safe_load(QUESTIONS_FILE.read_text("utf-8"))


def _wish(row: Mapping[str, Any], language: str) -> Wish:
    if unknown := row.keys() - _KNOWN:
        raise ValueError(f"{QUESTIONS_FILE.name}: {row['en']!r} has {unknown}")
    call = row.get("call", {})
    return Wish(
        text=row[language],
        language=language,
        kind=row["kind"],
        device_id=row.get("from"),
        calls={call: {}} if isinstance(call, str) else call,
        becomes={
            entity_id: state if isinstance(state, dict) else {"state": state}
            for entity_id, state in row.get("becomes", {}).items()
        },
        asks=_texts(row.get("asks")),
        may_ask=row.get("may_ask", False),
        answers=_texts(row.get("answers")),
    )


def _texts(value: Any) -> tuple[str, ...] | None:
    return None if value is None else tuple(str(text) for text in value)
