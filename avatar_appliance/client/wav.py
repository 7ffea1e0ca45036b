"""WAV files in and out."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from avatar_appliance.errors import BadRequest


@dataclass(frozen=True, slots=True)
class WavAudio:
    """PCM with its shape."""

    rate_hz: int
    width_bytes: int
    channels: int
    pcm: bytes

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.pcm) / (self.rate_hz * self.width_bytes * self.channels)


def read_wav(path: Path) -> WavAudio:
    """Return the audio of a PCM WAV file; raises BadRequest when it is none."""
    try:
        with wave.open(str(path), "rb") as file:
            return WavAudio(
                file.getframerate(),
                file.getsampwidth(),
                file.getnchannels(),
                file.readframes(file.getnframes()),
            )
    except OSError as error:
        raise BadRequest(f"{path}: {error.strerror or 'cannot be read'}", hint="Check the path.") from None
    except (EOFError, wave.Error) as error:
        hint = "Convert it first: `ffmpeg -i FILE -ac 1 -ar 16000 out.wav`."
        raise BadRequest(f"{path} is no readable PCM WAV file ({type(error).__name__})", hint=hint) from None


def write_wav(path: Path, audio: WavAudio) -> None:
    """Write a PCM WAV file."""
    with path.open("wb") as file:
        _write(file, audio)


def wav_bytes(audio: WavAudio) -> bytes:
    """Return a PCM WAV file."""
    with io.BytesIO() as file:
        _write(file, audio)
        return file.getvalue()


def _write(target: BinaryIO, audio: WavAudio) -> None:
    with wave.open(target, "wb") as file:
        file.setnchannels(audio.channels)
        file.setsampwidth(audio.width_bytes)
        file.setframerate(audio.rate_hz)
        file.writeframes(audio.pcm)
