"""Makes one even stream of the pieces of an answer, whoever speaks them."""

from __future__ import annotations

from wyoming_servers.audio import CrossFader, Limiter, LoudnessMeter

from .leveller import Leveller


class Mixer:
    """Of one answer: brings voices to one loudness and fades from one into the next."""

    def __init__(self, rate_hz: int, leveller: Leveller) -> None:
        self._leveller = leveller
        self._fader = CrossFader(rate_hz)
        self._limiter = Limiter(rate_hz)
        self._voice: object = None
        self._gain = 1.0
        self._meter: LoudnessMeter | None = None

    def begin(self, voice: object) -> None:
        """Say whose sound comes next."""
        if self._voice is not None and voice != self._voice:
            self._fader.join()
        self._voice, self._gain = voice, self._leveller.gain(voice)
        self._meter = self._leveller.meter()

    def feed(self, pcm: bytes) -> bytes:
        """Take sound of the voice and return what may be heard by now."""
        if self._meter is not None:
            self._meter.feed(pcm)
        return self._fader.feed(self._limiter.apply(pcm, self._gain))

    def end(self) -> None:
        """Say that the piece is complete."""
        self._leveller.take(self._voice, self._meter)

    def break_off(self, silence_s: float) -> bytes:
        """Say that the piece breaks off here; return its end and a silence."""
        return self._fader.break_off(silence_s)

    def flush(self) -> bytes:
        """Return the last of the answer."""
        return self._fader.flush()
