"""pip as a process of its own: no API of it is public."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path


def run_pip(
    command: Sequence[str], scratch: Path, follow: Callable[[Iterable[str]], list[str]]
) -> tuple[int, list[str]]:
    """Run `command`, give its lines to `follow` as they come; return the exit code and what `follow` made of them.

    pip unpacks its downloads in TMPDIR, often a small RAM disk: `scratch` is on the disk whose space was checked.
    """
    process = subprocess.Popen(
        command,
        env=os.environ | {"TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    with process:
        try:
            assert process.stdout is not None
            said = follow(process.stdout)
        except BaseException:
            process.terminate()
            raise
    return process.returncode, said
