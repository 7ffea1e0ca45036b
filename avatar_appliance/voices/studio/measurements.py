"""The figures of a recording: how loud, how noisy, how clear. Levels in dB below full scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .container import Samples
from .speech_spans import Span

SILENCE_DBFS = -120.0
_FRAME_S = 0.02
_FFT_SAMPLES = 1024
# Above the edge of a band-limited recording there is nothing; in speech through a microphone there is always a little.
_BAND_FLOOR_DB = -66.0
_SMOOTH_BINS = 5


def speech_level_dbfs(samples: Samples, rate_hz: int, spans: Sequence[Span]) -> float:
    """Return how loud the speech is."""
    power = _powers(samples, rate_hz)[_in_spans(samples, rate_hz, spans)]
    return _decibels(float(power.mean())) if len(power) else SILENCE_DBFS


def noise_floor_dbfs(samples: Samples, rate_hz: int, spans: Sequence[Span]) -> float:
    """Return how loud it is where nobody speaks: the pauses, or the quietest moments where there are none."""
    powers = _powers(samples, rate_hz)
    if not len(powers):
        return SILENCE_DBFS
    # A breath away from any word: the end of one rings on.
    pauses = powers[~_in_spans(samples, rate_hz, [Span(span.start_s - 0.1, span.end_s + 0.2) for span in spans])]
    if len(pauses) * _FRAME_S >= 0.3:
        return _decibels(float(np.median(pauses)))
    return _decibels(float(np.quantile(powers, 0.05)))


def bandwidth_hz(samples: Samples, rate_hz: int, spans: Sequence[Span]) -> float:
    """Return up to which frequency there is sound in the speech."""
    cut = [samples[int(span.start_s * rate_hz) : int(span.end_s * rate_hz)] for span in spans]
    speech = np.concatenate(cut) if cut else samples
    usable = len(speech) - len(speech) % _FFT_SAMPLES
    if not usable:
        return 0.0
    frames = speech[:usable].reshape(-1, _FFT_SAMPLES) * np.hanning(_FFT_SAMPLES)
    spectrum = np.square(np.abs(np.fft.rfft(frames, axis=1))).mean(axis=0)
    spectrum = np.convolve(spectrum, np.ones(_SMOOTH_BINS) / _SMOOTH_BINS, mode="same")
    heard = np.flatnonzero(spectrum >= spectrum.max() * 10 ** (_BAND_FLOOR_DB / 10))
    return float(heard[-1]) * rate_hz / _FFT_SAMPLES if len(heard) and spectrum.max() > 0 else 0.0


def peak_dbfs(samples: Samples) -> float:
    """Return the highest sample."""
    return _decibels(float(np.square(samples).max(initial=0.0)))


def quietest_s(samples: Samples, rate_hz: int, span: Span) -> float:
    """Return the quietest moment within `span`."""
    first = int(span.start_s / _FRAME_S)
    powers = _powers(samples, rate_hz)[first : max(first + 1, int(span.end_s / _FRAME_S))]
    return span.start_s + int(powers.argmin()) * _FRAME_S if len(powers) else span.end_s


def _powers(samples: Samples, rate_hz: int) -> NDArray[np.float64]:
    size = int(rate_hz * _FRAME_S)
    usable = len(samples) - len(samples) % size
    return np.asarray(np.square(samples[:usable].astype(np.float64)).reshape(-1, size).mean(axis=1))


def _in_spans(samples: Samples, rate_hz: int, spans: Sequence[Span]) -> NDArray[np.bool_]:
    mask = np.zeros(len(samples) // int(rate_hz * _FRAME_S), dtype=np.bool_)
    for span in spans:
        mask[max(0, int(span.start_s / _FRAME_S)) : max(0, int(np.ceil(span.end_s / _FRAME_S)))] = True
    return mask


def _decibels(power: float) -> float:
    return max(SILENCE_DBFS, float(10 * np.log10(max(power, 1e-12))))
