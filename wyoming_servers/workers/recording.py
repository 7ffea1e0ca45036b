"""The recording of a voice that is to be cloned, as engines take it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar_appliance.errors import ConfigError

_SILENCE_RMS = 10 ** (-42 / 20)
_WINDOW_S = 0.01


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
