"""Which Python an engine's environment is built with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import PythonUnsuitable
from .recipe import EngineRecipe, PythonVersion

_ASK = """
import json, os, sys, sysconfig
headers = os.path.isfile(os.path.join(sysconfig.get_paths()["include"], "Python.h"))
print(json.dumps([getattr(sys, "_base_executable", sys.executable), list(sys.version_info[:3]), headers]))
"""
_ASK_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class PythonFound:
    """A Python of this machine."""

    executable: Path
    full_version: tuple[int, int, int]
    has_headers: bool
    """Python.h is there, which Triton needs to compile its launchers."""

    @property
    def version(self) -> PythonVersion:
        """Major and minor."""
        return self.full_version[:2]

    def __str__(self) -> str:
        return ".".join(map(str, self.full_version))


def choose_python(recipe: EngineRecipe, wanted: str | None = None) -> PythonFound:
    """Return the Python for `recipe`: the one `wanted` (a path or a name), else the best one this machine has.

    Raises PythonUnsuitable, which names what there is.
    """
    if wanted is not None:
        found = _ask(wanted)
        if found is None:
            raise PythonUnsuitable(f"{wanted} is no Python that can be run")
        if not recipe.accepts(found.version):
            raise PythonUnsuitable(f"{recipe.title} needs {recipe.python_range}; {wanted} is Python {found}")
        return found
    seen = []
    for candidate in _candidates(recipe):
        found = _ask(candidate)
        if found is not None and recipe.accepts(found.version):
            return found
        if found is not None:
            seen.append(f"{found.executable} is {found}")
    raise PythonUnsuitable(f"{recipe.title} needs {recipe.python_range}; {', '.join(seen) or 'there is none'}")


def _candidates(recipe: EngineRecipe) -> Iterator[str]:
    yield sys.executable  # it proved itself, and headers and compiler often came with it
    (oldest, first), (_, last) = recipe.oldest_python, recipe.newest_python
    # The middle of a range is what upstream tests most.
    for minor in sorted(range(first, last + 1), key=lambda number: (abs(number - (first + last) // 2), number)):
        yield f"python{oldest}.{minor}"


def _ask(python: str) -> PythonFound | None:
    path = shutil.which(python)
    if path is None:
        return None
    try:
        said = subprocess.run(
            [path, "-I", "-c", _ASK], capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=True
        )
        base, (major, minor, micro), headers = json.loads(said.stdout)
        return PythonFound(Path(base), (int(major), int(minor), int(micro)), bool(headers))
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return None
