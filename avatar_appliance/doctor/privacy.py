"""Can other users of this machine read what is private?"""

from __future__ import annotations

import stat

from avatar_appliance.config import Settings

from .finding import Finding, Severity


def private_folder(settings: Settings) -> Finding:
    """Return whether the state folder (history, voices, tokens) is closed to other users."""
    folder = settings.paths.state_dir
    try:
        mode = stat.S_IMODE(folder.stat().st_mode)
    except FileNotFoundError:
        return Finding("privacy", Severity.FINE, f"{folder} is made at the first start, for its owner alone")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        text = f"other users may enter {folder} (mode {mode:04o}), where history and voices are"
        return Finding("privacy", Severity.WARNING, text, f"`chmod 700 {folder}`")
    return Finding("privacy", Severity.FINE, f"{folder} is its owner's alone")
