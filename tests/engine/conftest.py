"""Tests against the true classes of the engines, in an environment that has them: `make test-engines`."""

from __future__ import annotations

import math
import shutil
import struct
import sys
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `engine_fakes`


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds that swell and fall as speech does, at 16 kHz, between half seconds of silence."""
    file = tmp_path_factory.mktemp("voice") / "reference.wav"
    sound = [
        6000 * math.sin(i * 0.05 * (1 + 0.1 * math.sin(i / 3000))) * (0.6 + 0.4 * math.sin(i / 800))
        for i in range(48_000)
    ]
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", ""))
        out.writeframes(bytes(16_000) + b"".join(struct.pack("<h", int(s)) for s in sound) + bytes(16_000))
    return file


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """Short: a socket path may have about 100 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="ae-"))
    yield folder
    shutil.rmtree(folder)
