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

from avatar_appliance.voices.voice_index import ClonedVoice, voice_index_path, write_voice_index

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


class Profiles:
    """The voice profiles of an appliance with this state folder; their recordings are at 24 kHz, as the index wants."""

    def __init__(self, state_dir: Path, recording: Path) -> None:
        self.path = voice_index_path(state_dir)
        self._recording = recording

    def write(
        self, *names: str, transcript: str, languages: tuple[str, ...], version: int = 1, speed: float = 1
    ) -> None:
        """Make these the only profiles."""
        import soundfile
        import soxr

        samples, rate_hz = soundfile.read(self._recording)
        voices = []
        for name in names:
            file = self.path.parent / name / f"reference-{version}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, soxr.resample(samples, rate_hz, 24_000), 24_000, subtype="PCM_16")
            voices.append(
                ClonedVoice(
                    id=name, name=name.title(), languages=languages, version=version, speed=speed, tier="auto",
                    purpose="answers", is_default=False, reference=file, transcript=transcript,
                    transcript_language=languages[0],
                )
            )  # fmt: skip
        write_voice_index(self.path, voices)


@pytest.fixture
def profiles(tmp_path: Path, recording: Path) -> Profiles:
    """No profiles yet."""
    return Profiles(tmp_path, recording)
