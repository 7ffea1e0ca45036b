"""Amplify PCM without ever clipping it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

CEILING: Final = 0.89
"""-1 dB of full scale."""
STEP_S: Final = 0.002
RELEASE_DB_PER_S: Final = 40.0


class Limiter:
    """Applies a gain that may change, ramped, and takes back what would be too loud.

    It looks ahead within the portion it is given and never beyond: nothing is delayed.
    """

    def __init__(self, rate_hz: int) -> None:
        self._step = max(1, int(rate_hz * STEP_S))
        self._release = 10 ** (RELEASE_DB_PER_S * STEP_S / 20)
        self._gain: float | None = None

    def apply(self, pcm: bytes, gain: float) -> bytes:
        """Return signed 16-bit mono `pcm` times `gain`, as far as there is room for it."""
        if not pcm or (gain == 1.0 and self._gain in (None, 1.0)):
            self._gain = gain if pcm else self._gain
            return pcm  # as it was, to the last bit
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
        if self._gain in (None, gain) and float(np.abs(samples).max()) * gain <= CEILING * 32768.0:
            self._gain = gain
            return bytes(np.rint(samples * gain).astype("<i2"))  # nearly always: nothing moves, nothing is too loud
        edges = self._edges(samples, gain)
        positions = np.arange(len(samples), dtype=np.float32) / self._step
        gains = np.interp(positions, np.arange(len(edges)), edges)
        return bytes(np.clip(np.rint(samples * gains), -32768, 32767).astype("<i2"))

    def _edges(self, samples: NDArray[np.float32], gain: float) -> NDArray[np.float64]:
        """Return the gain at both ends of each step: at most what either neighbour bears."""
        steps = -(-len(samples) // self._step)
        padded = np.zeros(steps * self._step, dtype=np.float32)
        padded[: len(samples)] = np.abs(samples)
        peaks = padded.reshape(steps, self._step).max(axis=1) / 32768.0
        bearable = np.minimum(np.divide(CEILING, peaks, out=np.full(steps, np.inf), where=peaks > 0), 1e6)
        edges = np.empty(steps + 1)
        edges[0] = min(gain if self._gain is None else self._gain, bearable[0])
        for index in range(steps):
            most = min(bearable[index], bearable[index + 1] if index + 1 < steps else np.inf)
            before = edges[index]
            wanted = min(gain, before * self._release) if gain > before else max(gain, before / self._release)
            edges[index + 1] = min(wanted, most)
        self._gain = float(edges[-1])
        return edges
