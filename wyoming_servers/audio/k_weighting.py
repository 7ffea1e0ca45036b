"""The K-weighting of ITU-R BS.1770 (which EBU R128 uses): how loud each frequency counts to an ear."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# The two filters as analogue prototypes, by which they are the same at every sample rate (the standard's own
# coefficients are those for 48 kHz): a shelf of +4 dB for the head, and a high-pass.
_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1681.9744509555319, 3.99984385397, 0.7071752369554193
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773


@lru_cache(maxsize=8)
def power_weights(rate_hz: int, block: int) -> NDArray[np.float64]:
    """Return by how much each bin of an `rfft` of `block` samples counts in the mean square of those samples.

    The filters' power response, over the square of the length, and twice where a bin stands for its mirror image too.
    """
    z = np.exp(2j * np.pi * np.arange(block // 2 + 1) / block)
    response = np.abs(_shelf(rate_hz, z) * _high_pass(rate_hz, z)) ** 2
    mirrored = np.full(block // 2 + 1, 2.0)
    mirrored[0] = 1.0
    if block % 2 == 0:
        mirrored[-1] = 1.0
    return np.asarray(response * mirrored / block**2, dtype=np.float64)


def _shelf(rate_hz: int, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    k = np.tan(np.pi * _SHELF_HZ / rate_hz)
    high = 10 ** (_SHELF_DB / 20)
    band = high**0.4996667741545416
    b = (high + band * k / _SHELF_Q + k * k, 2 * (k * k - high), high - band * k / _SHELF_Q + k * k)
    return _biquad(b, _denominator(k, _SHELF_Q), z)


def _high_pass(rate_hz: int, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    k = np.tan(np.pi * _HIGH_PASS_HZ / rate_hz)
    a = _denominator(k, _HIGH_PASS_Q)
    # The standard's numerator is 1, -2, 1 with the denominator normalised to 1.
    return _biquad((a[0], -2 * a[0], a[0]), a, z)


def _denominator(k: float, q: float) -> tuple[float, float, float]:
    return 1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k


def _biquad(
    b: tuple[float, float, float], a: tuple[float, float, float], z: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    numerator = b[0] + b[1] / z + b[2] / z**2
    return np.asarray(numerator / (a[0] + a[1] / z + a[2] / z**2), dtype=np.complex128)
