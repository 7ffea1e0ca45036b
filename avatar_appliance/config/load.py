"""Read config.yaml and turn what is wrong with it into messages an owner can act on."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from avatar_appliance.errors import ConfigError

from .settings import Settings
from .show import without_userinfo
from .sources import describe_origin
from .workers import WORKER_MODELS

MAX_FILE_BYTES = 2**20
SECRET_KEYS = frozenset({"token", "api_key", "password", "passphrase", "openai_token"})
# With our prefix, but no settings: which file to read, and what `make test-ha` takes.
NO_SETTINGS = frozenset({"AVATAR_CONFIG", "AVATAR_HA_URL", "AVATAR_HA_TOKEN", "AVATAR_HA_BIND"})


def find_config(explicit: Path | None) -> Path | None:
    """Return the file to read: the argument, AVATAR_CONFIG, ./config.yaml, /etc/avatar/config.yaml, or None."""
    if explicit is not None:
        return explicit
    if named := os.environ.get("AVATAR_CONFIG"):
        return Path(named)
    return next((p for p in (Path("config.yaml"), Path("/etc/avatar/config.yaml")) if p.is_file()), None)


def load_settings(path: Path | None = None, **arguments: Any) -> Settings:
    """Return the settings; raise ConfigError naming file, line, key, value and the fix for every problem.

    Order: `arguments` > environment (`AVATAR_ASR__PORT`) > systemd credentials > config.yaml > defaults.
    """
    file = find_config(path)
    tree, lines = read_yaml(file) if file else ({}, {})
    _refuse_unknown_environment()
    try:
        return Settings.from_sources(tree, arguments)
    except ValidationError as error:
        problems = _explain(error, file, tree, lines, arguments)
        raise ConfigError("\n".join(problems)) from None
    except SettingsError as error:  # whole sections and lists are JSON in the environment
        raise ConfigError(
            f"environment: {_named_by(error)}: no valid JSON",
            hint="""A list is written as AVATAR_HOUSE__LANGUAGES='["en"]', a single value as AVATAR_ASR__PORT=10301.""",
        ) from None


def read_yaml(file: Path) -> tuple[dict[str, Any], dict[tuple[str, ...], int]]:
    """Return the tree and the line number of each key path; raise ConfigError when it is no readable YAML mapping."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{file}: larger than {MAX_FILE_BYTES} bytes; this is no configuration file")
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        tree = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(
            f"{file}: {error.strerror or 'cannot be read'}", hint="Check the path and its permissions."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not UTF-8 text", hint="Save it as UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(
            f"{file}:{line}: {error.problem or 'no valid YAML'}", hint="Check indentation, colons and quotes."
        ) from None
    except yaml.YAMLError:
        raise ConfigError(f"{file}: no valid YAML", hint="Look for control characters.") from None
    if tree is None:
        return {}, {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{file}:1: the top level must be a mapping (`key: value` lines)")
    lines: dict[tuple[str, ...], int] = {}
    _note_lines(node, (), lines, file)
    return tree, lines


def _note_lines(node: yaml.Node | None, path: tuple[str, ...], lines: dict[tuple[str, ...], int], file: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            if here in lines:  # YAML lets the last one win, which hides the owner's mistake
                raise ConfigError(f"{file}:{key.start_mark.line + 1}: {'.'.join(here)} is given twice")
            lines[here] = key.start_mark.line + 1
            _note_lines(value, here, lines, file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            here = (*path, str(index))
            lines[here] = value.start_mark.line + 1
            _note_lines(value, here, lines, file)


def _refuse_unknown_environment() -> None:
    known = {f"AVATAR_{name.upper()}" for name in Settings.model_fields}
    for variable in os.environ:
        if not variable.startswith("AVATAR_") or variable in NO_SETTINGS:
            continue
        top = variable.split("__")[0].upper()
        if top not in known:
            guess = difflib.get_close_matches(top, known, 1)
            hint = (
                f"Did you mean {guess[0]}?" if guess else "Nested keys are joined by two underscores: AVATAR_ASR__PORT."
            )
            raise ConfigError(f"environment: {variable} is no setting", hint=hint)


def _named_by(error: SettingsError) -> str:
    """Return the variables that pydantic could not read; its message names the section only."""
    section = re.search(r'field "(\w+)"', str(error))
    prefix = f"AVATAR_{section.group(1) if section else ''}".upper()
    return ", ".join(sorted(name for name in os.environ if name.upper().startswith(prefix)))


def _explain(
    error: ValidationError,
    file: Path | None,
    tree: Mapping[str, Any],
    lines: Mapping[tuple[str, ...], int],
    arguments: Mapping[str, Any],
) -> list[str]:
    problems = []
    for item in error.errors(include_url=False):
        keys = _without_union_tags(item["loc"], tree)
        where = _where(keys, file, lines, arguments)
        dotted = ".".join(keys)
        shown = _shown(keys, item["input"])
        if item["type"] == "extra_forbidden":
            problems.append(f"{where}: {dotted}: unknown key.{_suggest(keys, tree)}")
        elif item["type"] in ("union_tag_invalid", "union_tag_not_found"):
            problems.append(f"{where}: {dotted}.engine: {item['msg']}")
        else:
            message = item["msg"].removeprefix("Value error, ")
            problems.append(f"{where}: {dotted + ': ' if dotted else ''}{message}{shown}")
    return problems


def _without_union_tags(loc: tuple[int | str, ...], tree: Mapping[str, Any]) -> tuple[str, ...]:
    """Drop the discriminator that pydantic puts into the location (`workers.x.piper.voices`)."""
    keys = tuple(str(part) for part in loc)
    if len(keys) > 2 and keys[0] == "workers":
        worker = tree.get("workers", {}).get(keys[1]) if isinstance(tree.get("workers"), dict) else None
        engine = worker.get("engine") if isinstance(worker, dict) else None
        if keys[2] == engine:
            return (*keys[:2], *keys[3:])
    return keys


def _where(
    keys: tuple[str, ...],
    file: Path | None,
    lines: Mapping[tuple[str, ...], int],
    arguments: Mapping[str, Any],
) -> str:
    dotted = ".".join(keys)
    if keys and keys[0] in arguments:
        return "argument"
    for key, origin in describe_origin(Settings).items():
        if key.lower() == dotted.lower():
            return origin
    for length in range(len(keys), 0, -1):
        if keys[:length] in lines:
            return f"{file}:{lines[keys[:length]]}"
    return str(file) if file else "configuration"


def _lookup(tree: object, keys: tuple[str, ...]) -> object:
    for key in keys:
        if isinstance(tree, Mapping) and key in tree:
            tree = tree[key]
        elif isinstance(tree, list) and key.isdigit() and int(key) < len(tree):
            tree = tree[int(key)]
        else:
            return None
    return tree


def _shown(keys: tuple[str, ...], value: object) -> str:
    if value is None or isinstance(value, (Mapping, list)) or (keys and keys[-1] in SECRET_KEYS):
        return ""
    text = repr(without_userinfo(value) if isinstance(value, str) else value)
    return f" (it says {text if len(text) <= 60 else text[:57] + '...'})"


def _suggest(keys: tuple[str, ...], tree: Mapping[str, Any]) -> str:
    model = _model_at(keys[:-1], tree)
    if model is None:
        return ""
    guess = difflib.get_close_matches(keys[-1], model.model_fields, 1)
    return f" Did you mean {guess[0]}?" if guess else f" Known here: {', '.join(model.model_fields)}."


def _model_at(keys: tuple[str, ...], tree: Mapping[str, Any]) -> type[BaseModel] | None:
    """Return the section at a key path; a worker's section depends on its `engine`."""
    if len(keys) == 2 and keys[0] == "workers":
        engine = _lookup(tree, (*keys, "engine"))
        return next((m for m in WORKER_MODELS if engine in get_args(m.model_fields["engine"].annotation)), None)
    model: type[BaseModel] | None = Settings
    for key in keys:
        field = model.model_fields.get(key) if model else None
        annotation = field.annotation if field else None
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    return model
