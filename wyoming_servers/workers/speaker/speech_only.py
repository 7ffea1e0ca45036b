"""An utterance without its silences: a window of the encoder that is half silence describes the room, not the voice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .mel import RATE_HZ

FRAME = RATE_HZ * 30 // 1000
# Speech swings by some 30 dB; what is further below the loud parts (the 95th percentile: a click is none) is silence.
_BELOW_LOUD = 10 ** (-30 / 20)
# 16-bit noise and the hum of a cheap microphone lie around this level.
_FLOOR = 10 ** (-60 / 20)
# Kept around speech: the ends of words are quiet.
_PAD_FRAMES = 2


def speech_only(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the parts of `wave` (16 kHz, mono) that are loud enough to be speech, joined; empty where none is."""
    count = len(wave) // FRAME
    if not count:
        return wave[:0]
    frames = wave[: count * FRAME].reshape(count, FRAME)
    levels = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    loud = levels > max(_FLOOR, float(np.percentile(levels, 95)) * _BELOW_LOUD)
    width = 2 * _PAD_FRAMES + 1
    kept = np.convolve(loud, np.ones(width), mode="full")[_PAD_FRAMES : _PAD_FRAMES + count] > 0.5
    return frames[kept].reshape(-1)
