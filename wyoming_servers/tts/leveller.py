"""Brings all voices to one loudness, each by a gain of its own that moves slowly and between pieces only."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from wyoming_servers.audio import LoudnessMeter

LEAST_HEARD_S: Final = 1.5
"""Of a voice, before its loudness is known."""
SLACK_DB: Final = 1.0
"""Within this a gain stays as it is: nobody hears the difference, and equal texts sound equal."""
LARGEST_STEP_DB: Final = 3.0
LARGEST_GAIN_DB: Final = 12.0
MOST_VOICES: Final = 64


class _VoiceLevel:
    def __init__(self, rate_hz: int) -> None:
        self.meter = LoudnessMeter(rate_hz)
        self.gain_db = 0.0

    def settle(self, target_lufs: float) -> None:
        loudness = self.meter.lufs
        if loudness is None or self.meter.measured_s < LEAST_HEARD_S:
            return
        wanted_db = max(-LARGEST_GAIN_DB, min(LARGEST_GAIN_DB, target_lufs - loudness))
        step_db = wanted_db - self.gain_db
        if abs(step_db) > SLACK_DB:
            self.gain_db += max(-LARGEST_STEP_DB, min(LARGEST_STEP_DB, step_db))


class Leveller:
    """The gains of all voices, by what tells their sounds apart; shared by all requests of the server."""

    def __init__(self, rate_hz: int, target_lufs: float | None) -> None:
        """With no target every gain is 1."""
        self._rate_hz = rate_hz
        self._target_lufs = target_lufs
        self._levels: OrderedDict[object, _VoiceLevel] = OrderedDict()

    def gain(self, voice: object) -> float:
        """Return the factor for the next piece of a voice; what is not known yet is not waited for."""
        if self._target_lufs is None:
            return 1.0
        return float(10 ** (self._level(voice).gain_db / 20))

    def meter(self) -> LoudnessMeter | None:
        """Return what one piece is to be measured with, as its engine made it; None where nothing is levelled."""
        return LoudnessMeter(self._rate_hz) if self._target_lufs is not None else None

    def take(self, voice: object, measured: LoudnessMeter | None) -> None:
        """Take what was measured of a piece that has ended: the voice's gain may move now."""
        if measured is not None and self._target_lufs is not None:
            level = self._level(voice)
            level.meter.absorb(measured)
            level.settle(self._target_lufs)

    def _level(self, voice: object) -> _VoiceLevel:
        level = self._levels.pop(voice, None) or _VoiceLevel(self._rate_hz)
        self._levels[voice] = level
        if len(self._levels) > MOST_VOICES:
            self._levels.popitem(last=False)
        return level
