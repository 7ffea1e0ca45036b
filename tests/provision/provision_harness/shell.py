"""Run a program of this machine; what it said is in the exception when it fails."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping


class ProgramFailed(Exception):
    """A program ended with another status than 0."""


def run(*command: str, timeout_s: float = 600, stdin: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """Return what `command` printed."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, errors="replace", timeout=timeout_s, env=env, check=False
    )
    if done.returncode:
        raise ProgramFailed(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
    return done.stdout
