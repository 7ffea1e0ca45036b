"""Versions of the speech packages on either side."""

from __future__ import annotations

import asyncio
import json
from importlib import metadata
from pathlib import Path

from .child import clean_environment

PACKAGES = (
    "wyoming",
    "faster-whisper",
    "ctranslate2",
    "piper-tts",
    "onnxruntime",
    "wyoming-faster-whisper",
    "wyoming-piper",
)
_QUESTION = """
import json, sys
from importlib import metadata
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def versions_here() -> dict[str, str]:
    """Return the versions of the packages installed beside this process."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


async def versions_at(python: Path) -> dict[str, str]:
    """Return the versions of the packages another interpreter has; empty when it cannot be run."""
    try:
        process = await asyncio.create_subprocess_exec(
            str(python), "-I", "-c", _QUESTION, *PACKAGES,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=clean_environment(),
        )  # fmt: skip
        said, _ = await process.communicate()
        found = json.loads(said)
    except (OSError, ValueError):
        return {}
    return {str(name): str(version) for name, version in found.items()}
