"""The real studio, which remembers what it said: most tests are about what follows from one and the same recording."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from avatar_appliance.voices.studio.comparing import compare
from avatar_appliance.voices.studio_process import Comparison, Reading, Studio

_KNOWN: dict[tuple[str, float | None], tuple[Reading, bytes]] = {}


class RememberingStudio(Studio):
    """Reads each recording in a process of its own once, and compares words in this process."""

    def __init__(self) -> None:
        super().__init__(max_recording_s=60, reference_s=8)

    async def read(self, recording: BinaryIO, output: Path, reference_s: float | None = None) -> Reading:
        recording.seek(0)
        key = (hashlib.sha256(recording.read()).hexdigest(), reference_s)
        if key not in _KNOWN:
            reading = await super().read(recording, output, reference_s)
            _KNOWN[key] = reading, b"" if reading.refused else _bytes(output)
        reading, reference = _KNOWN[key]
        if not reading.refused:
            _write(output, reference)
        return reading

    async def compare(self, heard: str, expected: str | None, language: str) -> Comparison:
        answer = compare(heard, expected, language)
        named = ("error_share", "part", "part_error_share")
        return Comparison(answer["heard"], **{name: answer[name] for name in named if name in answer})


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
