"""The configuration in force, as far as it describes machines and not people."""

from __future__ import annotations

import re
from typing import Any

import yaml

from avatar_appliance.config import Settings
from avatar_appliance.config.settings import HouseSettings
from avatar_appliance.config.show import HIDDEN, shown

from .part import Part
from .scrubber import Scrubber

# A model, a path, an address: printable ASCII without a space. Everything else is prose, and prose is private.
_IDENTIFIER = re.compile(r"[!-~]{1,160}")
_NAMES = {"name", "reference_text"}


def configuration(settings: Settings, scrubber: Scrubber) -> Part:
    """Return the configuration without secrets, without prose, and without names of people and voices."""
    tree = _described(shown(settings))
    if settings.house.name == HouseSettings().name:
        tree["house"]["name"] = settings.house.name
    text = yaml.safe_dump(scrubber.tree(tree), allow_unicode=True, sort_keys=False)
    return Part("configuration.yaml", "the configuration in force; secrets, texts and names are left out", text)


def _described(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        if key == "env":
            return dict.fromkeys(value, HIDDEN)
        return {name: _described(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_described(item, key) for item in value]
    if not isinstance(value, str) or value == HIDDEN:
        return value
    if key in _NAMES:
        return "(name, not shown)"
    return value if _IDENTIFIER.fullmatch(value) else f"(text of {len(value)} characters, not shown)"
