"""The spectrogram that the speaker encoder was trained on: 40 mel bands, 25 ms windows every 10 ms, no logarithm.

As librosa makes it with its defaults (Slaney's mel scale and normalisation), which Resemblyzer used; without librosa,
whose imports take more memory than all the rest of the worker. A test of `make test-engines` compares the two.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
BANDS = 40
WINDOW = RATE_HZ * 25 // 1000
HOP = RATE_HZ * 10 // 1000
# Slaney's scale: linear below a kilohertz, logarithmic above.
_HZ_PER_MEL = 200.0 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def mel_frames(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the spectrogram of `wave` (16 kHz, mono, -1..1): shape (frames, 40)."""
    padded = np.pad(wave, WINDOW // 2)
    count = 1 + (len(padded) - WINDOW) // HOP
    step = padded.strides[0]
    windows = np.lib.stride_tricks.as_strided(padded, (count, WINDOW), (HOP * step, step), writeable=False)
    power = np.abs(np.fft.rfft(windows * _hann(), axis=1)) ** 2
    return np.asarray(power @ _filters().T, dtype=np.float32)


@cache
def _hann() -> NDArray[np.float64]:
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW))


@cache
def _filters() -> NDArray[np.float64]:
    """Return the triangles of the bands: shape (40, frequencies)."""
    highest_mel = _BREAK_MEL + np.log(RATE_HZ / 2 / _BREAK_HZ) / _LOG_STEP
    mels = np.linspace(0.0, highest_mel, BANDS + 2)
    edges_hz = np.where(mels >= _BREAK_MEL, _BREAK_HZ * np.exp(_LOG_STEP * (mels - _BREAK_MEL)), mels * _HZ_PER_MEL)
    frequencies_hz = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)
    widths_hz = np.diff(edges_hz)
    ramps = edges_hz[:, None] - frequencies_hz[None, :]
    rising, falling = -ramps[:-2] / widths_hz[:-1, None], ramps[2:] / widths_hz[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2.0 / (edges_hz[2:] - edges_hz[:-2]))[:, None])
