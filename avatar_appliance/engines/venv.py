"""Where the environment of an engine is, and whether it is whole.

    CACHE/venvs/vllm                      a link to the build in use
    CACHE/venvs/vllm-3f2a91c0-py312/      one build; whole if it has avatar-engine.json, which is written last

A virtual environment cannot be moved (its scripts name its path), so each build has a folder of its own for good, and
the link is what changes. Processes are started from the build itself: a new one never gets under a running engine.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

import avatar_appliance

from .recipe import EngineRecipe, PythonVersion

MARKER = "avatar-engine.json"
OUR_PACKAGES = ("avatar_appliance", "wyoming_servers")


class EngineState(Enum):
    """What a glance says about an engine."""

    ABSENT = "absent"
    OUTDATED = "outdated"
    """It works, but the appliance would install other versions by now."""
    READY = "ready"


@dataclass(frozen=True, slots=True)
class InstalledEngine:
    """A whole build."""

    folder: Path
    fingerprint: str
    python: str
    """Version of its Python, such as 3.12.3."""

    @property
    def python_version(self) -> PythonVersion:
        """Major and minor of its Python."""
        major, minor, *_ = self.python.split(".")
        return int(major), int(minor)

    @property
    def executable(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"

    def program(self, name: str) -> Path:
        """Return the path of a program in it."""
        return self.folder / "bin" / name

    @property
    def site_packages(self) -> Path:
        """Where its packages are."""
        return site_packages(self.folder)


class EngineVenv:
    """The environment of one engine below `cache_dir`; creates nothing by itself."""

    def __init__(self, cache_dir: Path, engine: str) -> None:
        self.engine = engine
        self.root = cache_dir / "venvs"
        self.link = self.root / engine

    def installed(self) -> InstalledEngine | None:
        """Return the build in use; None if there is none, or only half of one."""
        return self.build(self.link.resolve())

    def state(self, recipe: EngineRecipe) -> EngineState:
        """Compare the build in use with the recipe."""
        found = self.installed()
        if found is None:
            return EngineState.ABSENT
        return EngineState.READY if found.fingerprint == recipe.fingerprint() else EngineState.OUTDATED

    def build(self, folder: Path) -> InstalledEngine | None:
        """Return the build in `folder` if it is whole."""
        try:
            noted = json.loads((folder / MARKER).read_text(encoding="utf-8"))
            found = InstalledEngine(folder, str(noted["fingerprint"]), str(noted["python"]))
            found.python_version  # noqa: B018 - ValueError unless it is one
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return found if os.access(found.executable, os.X_OK) else None

    def builds(self) -> list[Path]:
        """Return the folders of all builds, whole or not."""
        if not self.root.is_dir():
            return []
        return sorted(
            path for path in self.root.glob(f"{self.engine}-*-py*") if path.is_dir() and not path.is_symlink()
        )

    def finish(self, build: InstalledEngine) -> None:
        """Declare a build whole, and use it from now on. Raises OSError."""
        values = {key: str(value) for key, value in asdict(build).items() if key != "folder"}
        draft = build.folder / f"{MARKER}.new"
        draft.write_text(json.dumps(values, indent=1), encoding="utf-8")
        draft.replace(build.folder / MARKER)
        replace_link(self.link, Path(build.folder.name))


def link_appliance(site: Path) -> None:
    """Make the appliance's own packages importable from `site`, as they are installed now. Raises OSError.

    Links and not copies: the worker's code is then always that of the control plane that starts it.
    """
    home = Path(avatar_appliance.__file__).resolve().parents[1]
    for name in OUR_PACKAGES:
        link = site / name
        if not (link.is_symlink() and link.resolve() == home / name):
            replace_link(link, home / name)


def site_packages(folder: Path) -> Path:
    """Return the package folder of the virtual environment in `folder`."""
    return next(folder.glob("lib/python3.*/site-packages"), folder / "lib" / "site-packages")


def replace_link(link: Path, target: Path) -> None:
    """Point `link` to `target` in one step. Raises OSError."""
    draft = link.with_name(f".{link.name}.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(link)
