"""Loudness by EBU R128, measured by FFmpeg's own filter."""

from __future__ import annotations

import av
import numpy as np

from .container import Samples

TARGET_LUFS = -23.0
"""EBU R128's programme loudness, which leaves room for every voice."""
_CEILING = 10 ** (-1.0 / 20)
_MOST_GAIN_DB = 40.0
_SILENCE_LUFS = -70.0  # the gate of R128: below it there is nothing to measure
_BLOCK_SAMPLES = 4096


def integrated_lufs(samples: Samples, rate_hz: int) -> float:
    """Return the integrated loudness; -70 where there is nothing but silence."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(format="flt", sample_rate=rate_hz, layout="mono", time_base=None)
    meter = graph.add("ebur128", "metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    measured = _SILENCE_LUFS
    for start in range(0, len(samples), _BLOCK_SAMPLES):
        block = np.ascontiguousarray(samples[start : start + _BLOCK_SAMPLES][np.newaxis, :])
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout="mono")
        frame.sample_rate = rate_hz
        frame.pts = start
        graph.push(frame)
        measured = _drained(graph, measured)
    graph.push(None)
    return _drained(graph, measured)


def levelled(samples: Samples, rate_hz: int) -> tuple[Samples, float]:
    """Return the samples at TARGET_LUFS with peaks below -1 dB, and the gain in dB that took."""
    loudness = integrated_lufs(samples, rate_hz)
    if loudness <= _SILENCE_LUFS:
        return samples, 0.0
    gain = 10 ** (min(_MOST_GAIN_DB, TARGET_LUFS - loudness) / 20)
    gain = min(gain, _CEILING / max(float(np.abs(samples).max(initial=0.0)), 1e-6))
    return np.asarray(samples * gain, dtype=np.float32), float(20 * np.log10(gain))


def _drained(graph: av.filter.Graph, measured: float) -> float:
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, av.EOFError, EOFError):
            return measured
        said = frame.metadata.get("lavfi.r128.I")
        measured = float(said) if said else measured
