"""The settings in force, printable: secrets are replaced."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from .settings import Settings

HIDDEN = "(set, not shown)"


def shown(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain YAML/JSON values without any secret."""
    return {key: _plain(value) for key, value in settings.model_dump(mode="python").items()}


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
