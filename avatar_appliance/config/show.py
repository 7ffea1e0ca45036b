"""The settings in force, printable: secrets are replaced."""

from __future__ import annotations

import re
from typing import Any

from pydantic import SecretStr

from .settings import Settings

HIDDEN = "(set, not shown)"
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")


def shown(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain YAML/JSON values without any secret."""
    return {key: _plain(value) for key, value in settings.model_dump(mode="python").items()}


def without_userinfo(text: str) -> str:
    """Return text without the user and password that a URL in it may carry (`http://user:password@host`)."""
    return _USERINFO.sub("(hidden)@", text)


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (bool, int, float, type(None))) else without_userinfo(str(value))
