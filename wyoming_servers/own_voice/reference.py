"""The sound of an utterance as a cloning engine wants it: no silence around it, even, 24 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from avatar_appliance.voices.voice_index import MAX_REFERENCE_S, MIN_REFERENCE_S, REFERENCE_RATE_HZ
from wyoming_servers.audio import Limiter, LoudnessMeter, PcmConverter, wav_bytes

from .trouble import Trouble

TARGET_LUFS: Final = -23.0
"""As loud as the recordings of the profiles."""
LARGEST_GAIN_DB: Final = 30.0
MARGIN_S: Final = 0.15
"""Kept around the speech: a voice activity detector finds a soft beginning late."""


@dataclass(frozen=True, slots=True)
class Sound:
    """An utterance's audio, 16-bit mono PCM, and where in it somebody speaks."""

    pcm: bytes
    rate_hz: int
    speech_s: float
    """Seconds of speech in it."""
    begins_s: float
    """Where the first of it begins."""
    ends_s: float
    """Where the last of it ends."""

    @property
    def taken_s(self) -> tuple[float, float]:
        """Beginning and end of the part that a voice would be made of."""
        return max(0.0, self.begins_s - MARGIN_S), min(self.ends_s + MARGIN_S, len(self.pcm) / 2 / self.rate_hz)

    @property
    def trouble(self) -> Trouble | None:
        """Why no voice can be made of it; None: one can.

        It is not cut: the words of a part are not known, and an engine that is given other words than it hears babbles.
        """
        begins_s, ends_s = self.taken_s
        if self.speech_s < MIN_REFERENCE_S or ends_s - begins_s < MIN_REFERENCE_S:
            return "too little speech"
        if ends_s - begins_s > MAX_REFERENCE_S:
            return "too long a question"
        return None


def reference_wav(sound: Sound) -> bytes:
    """Return the WAV file of an utterance without `trouble`."""
    begins_s, ends_s = sound.taken_s
    part = sound.pcm[2 * int(begins_s * sound.rate_hz) : 2 * int(ends_s * sound.rate_hz)]
    converter = PcmConverter(sound.rate_hz, 2, 1, REFERENCE_RATE_HZ)
    pcm = converter.convert(part) + converter.flush()
    meter = LoudnessMeter(REFERENCE_RATE_HZ)
    meter.feed(pcm)
    if (lufs := meter.lufs) is not None:
        gain_db = max(-LARGEST_GAIN_DB, min(LARGEST_GAIN_DB, TARGET_LUFS - lufs))
        pcm = Limiter(REFERENCE_RATE_HZ).apply(pcm, 10 ** (gain_db / 20))
    return wav_bytes(pcm, REFERENCE_RATE_HZ)
