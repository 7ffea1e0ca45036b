"""Which part of a recording becomes the reference: whole phrases, cut where the speaker paused."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .container import Samples
from .measurements import quietest_s
from .speech_spans import Span

_LEAD_S, _TAIL_S = 0.1, 0.2
"""Left before the first word and after the last: a word cut into is worse than a little silence."""
_FADE_S = 0.01


def best_stretch(samples: Samples, rate_hz: int, spans: Sequence[Span], most_s: float) -> Span:
    """Return the part with most speech, `most_s` at most, that begins and ends in a pause; the first of equals."""
    end_of_all_s = len(samples) / rate_hz
    best, best_speech_s = Span(0.0, 0.0), -1.0
    for index, first in enumerate(spans):
        start_s = max(0.0, first.start_s - _LEAD_S)
        speech_s, end_s = 0.0, start_s
        for span in spans[index:]:
            if span.end_s + _TAIL_S - start_s > most_s:
                break
            speech_s += span.length_s
            end_s = min(end_of_all_s, span.end_s + _TAIL_S)
        else:
            if speech_s > best_speech_s + 0.25:
                best, best_speech_s = Span(start_s, end_s), speech_s
            break  # all that follow are parts of this one
        if not speech_s:  # one breath longer than all of it: cut it where it is quietest
            end_s = quietest_s(samples, rate_hz, Span(start_s + 0.7 * most_s, start_s + most_s))
            speech_s = end_s - first.start_s
        if speech_s > best_speech_s + 0.25:
            best, best_speech_s = Span(start_s, end_s), speech_s
    return best


def longest_pause_s(spans: Sequence[Span], within: Span) -> float:
    """Return the longest pause between two words of `within`."""
    inside = [span for span in spans if span.start_s >= within.start_s and span.end_s <= within.end_s]
    return max((later.start_s - earlier.end_s for earlier, later in pairwise(inside)), default=0.0)


def cut(samples: Samples, rate_hz: int, span: Span) -> Samples:
    """Return the samples of `span`, with edges that do not click."""
    piece = samples[int(span.start_s * rate_hz) : int(span.end_s * rate_hz)].copy()
    fade = min(int(_FADE_S * rate_hz), len(piece) // 2)
    for index in range(fade):
        piece[index] *= index / fade
        piece[-1 - index] *= index / fade
    return piece
