"""Where the appliance keeps things.

Order: systemd's directories (STATE_DIRECTORY, CACHE_DIRECTORY, RUNTIME_DIRECTORY, set by the units) > the XDG base
directories > their defaults in the home. Nothing is created here; whoever writes makes its own folder.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def default_state_dir() -> Path:
    """Database, audio, tokens: what a backup must hold."""
    return _first("STATE_DIRECTORY") or _xdg("XDG_STATE_HOME", ".local/state")


def default_cache_dir() -> Path:
    """Models and downloads: what can be fetched again."""
    return _first("CACHE_DIRECTORY") or _xdg("XDG_CACHE_HOME", ".cache")


def default_runtime_dir() -> Path:
    """Unix sockets: gone after a reboot. Short, since a socket path may have only about 100 bytes."""
    if found := _first("RUNTIME_DIRECTORY"):
        return found
    if base := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(base) / "avatar"
    return Path(tempfile.gettempdir()) / f"avatar-{os.getuid()}"


def owner_socket(runtime_dir: Path) -> Path:
    """Return the socket of the HTTP API that needs no token: only this user may open it."""
    return runtime_dir / "owner.sock"


def _first(variable: str) -> Path | None:
    # systemd joins several directories with ":"; the first is ours.
    value = os.environ.get(variable, "").split(":")[0]
    return Path(value) if value else None


def _xdg(variable: str, fallback: str) -> Path:
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / fallback) / "avatar"
