"""How one engine is installed: pinned packages, perhaps a pinned source tree, and what proves that it works."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

# Part of every fingerprint: raise it when the installer itself lays environments out in another way.
_LAYOUT = 1

PythonVersion = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """A source tree that no package index has, at a commit, so that its bytes cannot change."""

    url: str
    commit: str
    submodules: tuple[str, ...] = ()
    """Paths of the submodules that are needed; their commits are in the tree."""
    import_paths: tuple[str, ...] = ()
    """Folders of the tree to import from; "." is its root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRecipe:
    """One engine; `requirements` is a complete lock: every package it needs, with its exact version."""

    engine: str
    """As under `engine:` in config.yaml."""
    title: str
    requirements: Path
    oldest_python: PythonVersion
    newest_python: PythonVersion
    check: str
    """Python code that imports the engine in its environment; any exception means that it does not work."""
    download_bytes: int
    """About what is downloaded."""
    disk_bytes: int
    """About what it takes when installed; so much must be free."""
    runs_our_code: bool = True
    """Whether the worker process runs in this environment; vLLM is a program that ours starts."""
    source: GitSource | None = None
    compiles: bool = False
    """Whether it compiles small programs while it runs, so that it needs a C compiler and Python's headers."""
    note: str = ""
    """What the owner should know before he uses it, such as a licence."""

    def fingerprint(self) -> str:
        """Return what changes whenever the recipe would lay down other bytes."""
        pins = [line for line in self.requirement_lines() if not line.startswith("#")]
        source = None if self.source is None else [self.source.url, self.source.commit, *self.source.import_paths]
        text = json.dumps([_LAYOUT, self.engine, pins, source, self.check])
        return hashlib.sha256(text.encode()).hexdigest()

    def requirement_lines(self) -> list[str]:
        """Return the lines of the requirements file, without comments behind a requirement."""
        lines = (line.split(" #")[0].strip() for line in self.requirements.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line]

    def accepts(self, version: PythonVersion) -> bool:
        """Tell whether this Python can run it."""
        return self.oldest_python <= version <= self.newest_python

    @property
    def python_range(self) -> str:
        """The range for people: "Python 3.11 to 3.13"."""
        oldest, newest = (".".join(map(str, version)) for version in (self.oldest_python, self.newest_python))
        return f"Python {oldest} to {newest}"


def requirements_file(name: str) -> Path:
    """Return the lock file `name` that comes with the appliance."""
    return Path(str(resources.files(__package__).joinpath("requirements", name)))
