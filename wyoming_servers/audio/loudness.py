"""How loud a voice is: the gated loudness of EBU R128 (ITU-R BS.1770), over what it said last."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .k_weighting import power_weights

BLOCK_S: Final = 0.4
HOP_S: Final = BLOCK_S
"""The standard's blocks overlap by three quarters, for figures about single seconds. Over a minute of a voice that
makes no difference that anybody hears, and would take four times the time."""
MEMORY_S: Final = 60.0
"""How much of a voice's past counts: its loudness moves slowly."""
ABSOLUTE_GATE_LUFS: Final = -70.0
RELATIVE_GATE_LU: Final = -10.0


class LoudnessMeter:
    """Measures signed 16-bit mono PCM of one rate, fed in any portions."""

    def __init__(self, rate_hz: int) -> None:
        self._block = int(rate_hz * BLOCK_S)
        self._hop_bytes = 2 * int(rate_hz * HOP_S)
        self._weights = power_weights(rate_hz, self._block)
        self._held = bytearray()
        self._powers: deque[float] = deque(maxlen=int(MEMORY_S / HOP_S))

    @property
    def measured_s(self) -> float:
        """How much was heard that is louder than silence, in seconds."""
        return HOP_S * len(self._audible())

    @property
    def lufs(self) -> float | None:
        """The gated loudness in LUFS; None where nothing was audible."""
        powers = self._audible()
        if not len(powers):
            return None
        loud = powers[powers > powers.mean() * 10 ** (RELATIVE_GATE_LU / 10)]
        return _lufs(float(loud.mean()))

    def feed(self, pcm: bytes) -> None:
        """Take the samples that were heard next."""
        self._held += pcm
        while len(self._held) >= 2 * self._block:
            samples = np.frombuffer(bytes(self._held[: 2 * self._block]), dtype="<i2") / 32768.0
            # Parseval: the weighted mean square comes straight from the spectrum, without a filter in Python.
            self._powers.append(float(self._weights @ np.abs(np.fft.rfft(samples)) ** 2))
            del self._held[: self._hop_bytes]

    def absorb(self, other: LoudnessMeter) -> None:
        """Count what another meter measured as heard after all that was heard here."""
        self._powers.extend(other._powers)

    def _audible(self) -> NDArray[np.float64]:
        powers = np.asarray(self._powers, dtype=np.float64)
        return powers[powers > 10 ** ((ABSOLUTE_GATE_LUFS + 0.691) / 10)]


def _lufs(power: float) -> float:
    return 10 * math.log10(power) - 0.691
