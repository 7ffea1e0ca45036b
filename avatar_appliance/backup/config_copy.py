"""What the owner wrote outside of the state folder, as a backup may hold it: without secrets unless encrypted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from avatar_appliance.config import Settings
from avatar_appliance.config.show import without_userinfo
from avatar_appliance.errors import ConfigError

CONFIG_NAME = "config.yaml"
_MAX_FILE_BYTES = 64 * 1024 * 1024
_SECRET_KEY = re.compile(r"(.*[_-])?(token|key|password|passphrase|secret|credentials?)", re.IGNORECASE)
_HEAD = "# From a backup that is not encrypted: without secrets and comments. Secrets read null or are empty.\n"


def without_secrets(text: str) -> str:
    """Return the configuration with every secret taken out, in keys, URLs and environments; comments go as well.

    Raises yaml.YAMLError.
    """
    tree = _cleaned(yaml.safe_load(text), environment=False)
    return _HEAD + yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)


def _cleaned(value: Any, *, environment: bool) -> Any:
    if isinstance(value, dict):
        return {
            key: _blank(environment)
            if _SECRET_KEY.fullmatch(str(key)) and not isinstance(item, (dict, list))
            else _cleaned(item, environment=str(key) == "env")
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_cleaned(item, environment=environment) for item in value]
    return without_userinfo(value).replace("(hidden)@", "") if isinstance(value, str) else value


def _blank(environment: bool) -> str | None:
    return "" if environment else None


def config_files(settings: Settings, config_file: Path | None, *, secrets: bool) -> dict[str, bytes]:
    """Return what the owner wrote outside of the state folder, by its name in a backup: config.yaml, and what it names.

    Files that are not there are left out; raises ConfigError for one that cannot be read.
    """
    found: dict[str, bytes] = {}
    if config_file is not None and (data := _read(config_file)) is not None:
        found[CONFIG_NAME] = data if secrets else without_secrets(data.decode("utf-8")).encode()
    household = settings.home_assistant.household
    if household is not None and (data := _read(household)) is not None:
        found["household.yaml"] = data
    for name, worker in settings.workers.items():
        for index, voice in enumerate(getattr(worker, "voices", ())):
            reference = getattr(voice, "reference_audio", None)
            if reference is not None and (data := _read(Path(reference))) is not None:
                found[f"reference-audio/{name}-{index}{Path(reference).suffix}"] = data
    return found


def _read(path: Path) -> bytes | None:
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ConfigError(f"{path}: larger than {_MAX_FILE_BYTES} bytes; this is no file of a configuration")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror or 'cannot be read'}", hint="Check the path and its permissions."
        ) from None
