"""The recording of a voice that is to be cloned, as engines take it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar_appliance.errors import ConfigError

from .spoken_length import spoken_length

_LEAST_S = 1.0
# Nobody speaks faster or slower; beyond it the transcript is not that of the recording.
_FASTEST_SYLLABLE_S, _SLOWEST_SYLLABLE_S = 0.07, 0.50
_SILENCE_RMS = 10 ** (-42 / 20)
_WINDOW_S = 0.01


@dataclass(frozen=True, slots=True)
class RecordedSpeech:
    """A recording without the silence around it."""

    wave: NDArray[np.float32]
    """Mono, -1..1."""
    syllable_s: float
    """How long this person takes for a syllable."""


def read_speech(file: Path, name: str, transcript: str, rate_hz: int, *, most_s: float) -> RecordedSpeech:
    """Return the recording at `rate_hz`.

    Raises ConfigError naming voice `name` for one that is no speech of 1 to `most_s` seconds that says `transcript`.
    """
    wave = trimmed(read_wave(file, name, rate_hz), rate_hz)
    seconds = len(wave) / rate_hz
    if not _LEAST_S <= seconds <= most_s:
        raise ConfigError(
            f"voice {name}: {file} has {seconds:.1f} s of speech; it must be {_LEAST_S:g} to {most_s:g} s",
            hint="3 to 6 seconds are best: shorter ones sound less alike, longer ones are slower.",
        )
    syllable_s = seconds / spoken_length(transcript)
    if not _FASTEST_SYLLABLE_S <= syllable_s <= _SLOWEST_SYLLABLE_S:
        raise ConfigError(
            f"voice {name}: the transcript does not fit the recording ({syllable_s:.2f} s per syllable)",
            hint="The transcript (reference_text) must be exactly what is said in the recording.",
        )
    return RecordedSpeech(wave, syllable_s)


def read_wave(file: Path, name: str, rate_hz: int) -> NDArray[np.float32]:
    """Return the recording as mono at `rate_hz`, -1..1; raises ConfigError naming voice `name`."""
    import soundfile
    import soxr

    try:
        samples, found_hz = soundfile.read(file, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:  # soundfile's own error is a RuntimeError
        raise ConfigError(f"voice {name}: {file} cannot be read as audio ({error})") from None
    mono = samples.mean(axis=1)
    if found_hz != rate_hz:
        mono = soxr.resample(mono, found_hz, rate_hz)
    return np.asarray(mono, dtype=np.float32)


def trimmed(wave: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Return `wave` without the silence at both ends."""
    size = int(_WINDOW_S * rate_hz)
    count = len(wave) // size
    levels = np.sqrt(np.mean(np.square(wave[: count * size].reshape(count, size)), axis=1))
    loud = np.flatnonzero(levels > _SILENCE_RMS)
    if not len(loud):
        return wave[:0]
    return wave[loud[0] * size : (loud[-1] + 1) * size]
