"""pip, into an environment that has none of its own: it knows this machine's index, proxy and certificates."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from avatar_appliance.models.errors import DiskFull
from avatar_appliance.models.pip_process import run_pip
from avatar_appliance.models.progress import FetchProgress

from .errors import EngineInstallFailed

_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_DOWNLOADING = re.compile(r"\s*Downloading (?:\S*/)?(?P<file>[^\s/]+?)(?:\.metadata)? \((?P<size>[\d.]+ \w+)\)")
_BUILDING = re.compile(r"\s*Building wheel for (?P<name>\S+)")
# Hundreds of small packages would scroll everything else away.
_WORTH_A_BAR_BYTES = 5_000_000


class PipInstall:
    """Runs `pip install` for one environment."""

    def __init__(self, cache_dir: Path, *, options: Sequence[str] = ()) -> None:
        """`cache_dir` keeps finished downloads between tries; `options` go to pip in addition."""
        self._cache_dir = cache_dir
        self._options = tuple(options)

    def install(self, python: Path, requirements: Path, scratch: Path, progress: FetchProgress) -> None:
        """Install exactly what the lock file `requirements` lists. Raises EngineInstallFailed or DiskFull."""
        scratch.mkdir(parents=True, exist_ok=True)
        code, said = run_pip(self._command(python, requirements), scratch, lambda lines: _follow(lines, progress))
        if code:
            raise _failure(said)

    def _command(self, python: Path, requirements: Path) -> list[str]:
        command = [sys.executable, "-m", "pip", "--python", str(python), "install"]
        # --no-deps: the file is a complete lock, and f5-tts declares far more than it needs.
        command += ["--no-deps", "--no-input", "--disable-pip-version-check", "--no-warn-script-location"]
        command += ["--progress-bar", "raw", "--cache-dir", str(self._cache_dir)]
        return [*command, "-r", str(requirements), *self._options]


def _follow(lines: Iterable[str], progress: FetchProgress) -> list[str]:
    """Turn what pip says into progress; return the last of everything else it said."""
    said: deque[str] = deque(maxlen=80)
    file, in_step = "", False
    for line in lines:
        if match := _PROGRESS.fullmatch(line.strip()):
            done, total = int(match[1]), int(match[2])
            if total >= _WORTH_A_BAR_BYTES:
                if file:
                    progress.step(file, total)
                    file, in_step = "", True
                if in_step:
                    progress.at(done)
            continue
        said.append(line.rstrip())
        if match := _DOWNLOADING.match(line):
            file, in_step = match["file"], False
        elif match := _BUILDING.match(line):
            if "started" in line:
                progress.step(f"building {match['name']}", None)
        elif line.startswith("Installing collected packages"):
            count = line.count(",") + 1
            progress.step(f"unpacking {count} packages", None)
    return list(said)


def _failure(said: Sequence[str]) -> EngineInstallFailed | DiskFull:
    """Name the cause in one clause, from what pip said."""
    text = "\n".join(said)
    if "No space left" in text or "Errno 28" in text:
        return DiskFull("The disk became full while the packages were installed.")
    errors = [line.removeprefix("ERROR: ").strip() for line in said if line.startswith(("ERROR: ", "error: "))]
    return EngineInstallFailed(f"pip could not install the packages: {(errors or ['no reason given'])[-1]}")
