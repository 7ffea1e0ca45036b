"""`avatar version`."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from avatar_appliance import __version__

from .app import JsonOption, app, out

_PARTS = (
    "wyoming",
    "faster-whisper",
    "ctranslate2",
    "piper-tts",
    "xllamacpp",
    "espeakng-loader",
    "fastapi",
    "zeroconf",
)


@app.command("version")
def show_version(json: JsonOption = False) -> None:
    """Print the version of the appliance and of its parts."""
    found = {"avatar-appliance": __version__, "python": platform.python_version()}
    for part in _PARTS:
        try:
            found[part] = version(part)
        except PackageNotFoundError:
            found[part] = "not installed"
    if json:
        out.print_json(data=found)
        return
    for name, text in found.items():
        out.print(f"{name:18} {text}", highlight=False)
