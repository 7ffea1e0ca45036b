"""Names that a model uses for things of the house."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wyoming_servers.house.house_prompt import HousePrompt
from wyoming_servers.house.layout import HouseLayout

from .fast_path.nearest import nearest
from .fast_path.question import ask_which

# Tools whose `name` is not that of a thing in the house.
_OTHER_NAMES = ("timer", "list", "todo", "shopping")


def with_true_names(arguments: Mapping[str, Any], shown: HousePrompt, layout: HouseLayout) -> dict[str, Any]:
    """Return a call's arguments with the name as the house has it: the prompt shows it without odd characters."""
    name = arguments.get("name")
    if not isinstance(name, str) or name.strip().casefold() in _names(layout):
        return dict(arguments)
    ids = shown.entities_called(name)
    return {**arguments, "name": ids[0]} if len(ids) == 1 else dict(arguments)


def unknown_name(tool: str, arguments: Mapping[str, Any], layout: HouseLayout) -> str | None:
    """Return the name in a call that nothing in the house has; None where there is none, or nobody can tell."""
    name = arguments.get("name")
    if not isinstance(name, str) or not name.strip() or not layout.entities:
        return None
    if any(word in tool.casefold() for word in _OTHER_NAMES):
        return None
    known = name in layout.entities_by_id or name.strip().casefold() in _names(layout)
    return None if known else name.strip()[:80]


def which_one(name: str, layout: HouseLayout, language: str) -> tuple[str, list[str]]:
    """Return a question about a name nobody has, and the names of the (at most three) nearest things."""
    suggestions = nearest(layout, name, language)
    return ask_which(suggestions, language, heard=name), [one.name for one in suggestions]


def _names(layout: HouseLayout) -> set[str]:
    return {name.strip().casefold() for entity in layout.entities for name in entity.names}
