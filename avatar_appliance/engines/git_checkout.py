"""A source tree at one commit, through git: for an engine whose upstream publishes no package."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .errors import EngineInstallFailed
from .recipe import GitSource

_HINT = "Check the network (github.com must be reachable) and that git is installed (`sudo apt install git`)."


def checkout(source: GitSource, folder: Path) -> None:
    """Make `folder` the tree of `source`, with nothing but the history it needs. Raises EngineInstallFailed."""
    folder.mkdir(parents=True)
    _git(folder, "init", "--quiet")
    _git(folder, "remote", "add", "origin", source.url)
    _git(folder, "fetch", "--quiet", "--depth", "1", "origin", source.commit)
    _git(folder, "checkout", "--quiet", "--detach", source.commit)
    if source.submodules:
        # Their commits are part of the tree that was just checked out by its own commit.
        _git(folder, "submodule", "--quiet", "update", "--init", "--depth", "1", "--", *source.submodules)
    if _git(folder, "rev-parse", "HEAD").strip() != source.commit:
        raise EngineInstallFailed(f"{source.url} did not give commit {source.commit}", hint=_HINT)


def _git(folder: Path, *arguments: str) -> str:
    # A password prompt would wait for ever in a service.
    environment = os.environ | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        raise EngineInstallFailed("git cannot be run", hint=_HINT) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EngineInstallFailed(f"git {arguments[0]} failed: {last}", hint=_HINT)
    return done.stdout
