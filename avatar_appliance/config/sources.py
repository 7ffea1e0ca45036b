"""Where settings come from besides arguments and environment: systemd credentials and config.yaml."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from avatar_appliance.errors import ConfigError

CREDENTIAL_PREFIX = "avatar."


class YamlSource(InitSettingsSource):
    """The parsed config.yaml; reading it happens in `load`, which knows the lines for error messages."""


class CredentialsSource(PydanticBaseSettingsSource):
    """systemd credentials (`LoadCredential=`), one file per value.

    A credential named `avatar.admin.token` sets `admin.token`; further dots go deeper, as in
    `avatar.workers.vllm.api_key`. Others are not ours and are left alone.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Unused: the whole tree is made in `__call__`."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the nested values found under CREDENTIALS_DIRECTORY."""
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            return {}
        tree: dict[str, Any] = {}
        for file in sorted(Path(folder).glob(f"{CREDENTIAL_PREFIX}*")):
            *path, last = file.name.removeprefix(CREDENTIAL_PREFIX).split(".")
            node = tree
            for key in path:
                node = node.setdefault(key, {})
                if not isinstance(node, dict):
                    raise ConfigError(f"credential: {file.name}: {key} is a value and a section at once")
            node[last] = _text(file)
        return tree


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"credential: {file.name}: cannot be read ({type(error).__name__})") from None


def describe_origin(settings_cls: type[BaseSettings]) -> dict[str, str]:
    """Return for each dotted key set by environment or credentials where it came from (values are not returned)."""
    from pydantic_settings import EnvSettingsSource

    origins: dict[str, str] = {}
    for label, tree in (
        ("credential", CredentialsSource(settings_cls)()),
        ("environment", EnvSettingsSource(settings_cls)()),
    ):
        for key in _leaves(tree):
            origins[key] = label
    return origins


def _leaves(tree: dict[str, Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for key, value in tree.items():
        name = f"{prefix}{key}"
        found += _leaves(value, f"{name}.") if isinstance(value, dict) else [name]
    return found
