"""A voice: its recording made ready once, so that a request pays for none of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar_appliance.config.gpu_workers import ClonedVoice
from avatar_appliance.errors import ConfigError
from wyoming_servers.workers.spoken_length import spoken_length

from .front_end import reference_text
from .model import FRAMES_PER_S, HOP, RATE_HZ, F5Model

LEAST_S, MOST_S = 1.0, 12.0
# What upstream does to a recording: quiet ones are raised to this level, and the result lowered again.
_TARGET_RMS = 0.1
_SILENCE_RMS = 10 ** (-42 / 20)
_WINDOW_S = 0.01
_TAIL_S = 0.05
# Nobody speaks faster or slower; beyond it the transcript is not that of the recording.
_FASTEST_SYLLABLE_S, _SLOWEST_SYLLABLE_S = 0.07, 0.50


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording as the model takes it."""

    mel: Any
    """Shape (1, frames, 100), in the model's format, on its device."""
    frames: int
    text: str
    tokens: list[str]
    gain: float
    """What its level was raised by."""
    frames_per_syllable: float
    """How fast this person speaks."""


def load_reference(voice: ClonedVoice, model: F5Model) -> Reference:
    """Read and prepare the recording of `voice`; raises ConfigError when it cannot be used."""
    wave = trimmed(read_wave(voice.reference_audio, voice.name))
    seconds = len(wave) / RATE_HZ
    if not LEAST_S <= seconds <= MOST_S:
        raise ConfigError(
            f"voice {voice.name}: {voice.reference_audio} has {seconds:.1f} s of speech; it must be {LEAST_S:g} to "
            f"{MOST_S:g} s",
            hint="3 to 6 seconds are best: shorter ones sound less alike, longer ones are slower.",
        )
    syllable_s = seconds / spoken_length(voice.reference_text)
    if not _FASTEST_SYLLABLE_S <= syllable_s <= _SLOWEST_SYLLABLE_S:
        raise ConfigError(
            f"voice {voice.name}: the reference_text does not fit the recording ({syllable_s:.2f} s per syllable)",
            hint="reference_text must be exactly what is said in reference_audio.",
        )
    rms = float(np.sqrt(np.mean(np.square(wave))))
    gain = max(1.0, _TARGET_RMS / max(rms, 1e-4))
    torch = model.package.torch
    wave = np.concatenate([wave * np.float32(gain), np.zeros(int(_TAIL_S * RATE_HZ), dtype=np.float32)])
    frames = len(wave) // HOP
    with torch.inference_mode():
        # On the CPU in single precision: half of it loses the quiet bands of the spectrum.
        mel = model.cfm.mel_spec(torch.from_numpy(wave)[None]).permute(0, 2, 1)[:, :frames]
        model.cfm.mel_spec.to(model.device)
        mel = mel.to(model.dtype).to(model.device).contiguous()
    text = reference_text(voice.reference_text)
    tokens = model.package.convert_char_to_pinyin([text])[0]
    return Reference(mel, frames, text, tokens, gain, syllable_s * FRAMES_PER_S)


def read_wave(file: Path, name: str) -> NDArray[np.float32]:
    """Return the recording as mono at 24 kHz; raises ConfigError naming voice `name`."""
    import soundfile
    import soxr

    try:
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:  # soundfile's own error is a RuntimeError
        raise ConfigError(f"voice {name}: {file} cannot be read as audio ({error})") from None
    mono = samples.mean(axis=1)
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ)
    return np.asarray(mono, dtype=np.float32)


def trimmed(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `wave` without the silence at both ends."""
    size = int(_WINDOW_S * RATE_HZ)
    count = len(wave) // size
    levels = np.sqrt(np.mean(np.square(wave[: count * size].reshape(count, size)), axis=1))
    loud = np.flatnonzero(levels > _SILENCE_RMS)
    if not len(loud):
        return wave[:0]
    return wave[loud[0] * size : (loud[-1] + 1) * size]
