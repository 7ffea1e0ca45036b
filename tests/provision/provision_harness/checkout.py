"""What a release consists of, copied: a test may break it, and whoever works in the checkout does not."""

from __future__ import annotations

import shutil
from pathlib import Path

_ROOT = Path(__file__).parents[3]


def copy_of_the_checkout(folder: Path) -> Path:
    """Return `folder`, made now."""
    for part in ("avatar_appliance", "wyoming_servers", "systemd"):
        shutil.copytree(_ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(_ROOT / part, folder / part)
    return folder
