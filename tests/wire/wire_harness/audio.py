"""PCM in other shapes."""

from __future__ import annotations

import numpy as np
import soxr


def reshaped(pcm: bytes, rate: int, width: int, channels: int) -> bytes:
    """Return 16 kHz 16-bit mono `pcm` as another rate, width and number of channels."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768
    samples = np.clip(soxr.resample(samples, 16_000, rate), -1, 1 - 2**-15)
    samples = np.repeat(samples, channels)
    match width:
        case 1:
            return (samples * 128 + 128).astype(np.uint8).tobytes()
        case 2:
            return (samples * 2**15).astype("<i2").tobytes()
        case 3:
            return (samples.astype(np.float64) * 2**31).astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
        case _:
            return (samples.astype(np.float64) * 2**31).astype("<i4").tobytes()


def likeness(one: bytes | np.ndarray, other: bytes | np.ndarray) -> float:
    """Return how alike two sounds are, 1 for the same (correlation over their common length)."""
    a, b = (
        np.frombuffer(sound, dtype="<i2").astype(np.float64) if isinstance(sound, bytes) else sound.astype(np.float64)
        for sound in (one, other)
    )
    count = min(len(a), len(b))
    return float(np.corrcoef(a[:count], b[:count])[0, 1])
