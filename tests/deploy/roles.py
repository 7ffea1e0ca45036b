"""The roles of `ansible/`, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ANSIBLE = ROOT / "ansible"
ROLES = sorted(path.name for path in (ANSIBLE / "roles").iterdir() if path.is_dir())


def load(role: str, file: str) -> dict[str, Any]:
    """Return a YAML file of a role, empty if there is none."""
    path = ANSIBLE / "roles" / role / file
    return (yaml.safe_load(path.read_text("utf-8")) or {}) if path.exists() else {}


def options(role: str) -> dict[str, dict[str, Any]]:
    """Return what the role takes, as its argument_specs say."""
    found: dict[str, dict[str, Any]] = load(role, "meta/argument_specs.yml")["argument_specs"]["main"].get(
        "options", {}
    )
    return found
