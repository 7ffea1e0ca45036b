"""When an utterance is over: our own end of speech, so that Home Assistant need not wait for its own."""

from __future__ import annotations

from enum import Enum, auto

from .speech_detector import SpeechDetector

# Home Assistant's own figures for finished speaking detection (assist_pipeline/vad.py).
SILENCE_S = {"default": 0.7, "relaxed": 1.25, "aggressive": 0.25}
# A pause after which transcribing starts on trial; thrown away when speech goes on.
TRIAL_PAUSE_S = 0.3
# Nothing said after the wake word.
NO_SPEECH_S = 8.0
# The television is on: stop listening and transcribe what there is.
LONGEST_COMMAND_S = 30.0
# A pause counts only if it also lasted on the clock: in a recording that arrives faster than it was spoken, pauses are
# part of the text and the end is `audio-stop`. Slightly less than all of it, since networks bunch packets. And none
# counts while we are behind what was sent: a process that was held up for a second has seen no pause of a second.
CLOCK_SHARE = 0.9
# Audio that runs ahead of the clock by more than a satellite buffers before it connects is a recording too.
PRE_ROLL_S = 2.0


class Verdict(Enum):
    """What to do after a piece of audio."""

    LISTEN = auto()
    TRY = auto()
    """A short pause: start transcribing on trial."""
    RESUME = auto()
    """Speech went on: throw the trial away."""
    END = auto()
    """The utterance is over."""


class Endpointer:
    """Judges a live stream piece by piece; a recording is never cut."""

    def __init__(self, detector: SpeechDetector, sensitivity: str, started_at_s: float) -> None:
        """`sensitivity` is Wyoming's `vad_sensitivity` (unknown: the default); times are a monotonic clock's."""
        self._detector = detector
        self._silence_s = SILENCE_S.get(sensitivity, SILENCE_S["default"])
        self._started_at_s = started_at_s
        self._last_speech_at_s = started_at_s
        self._trying = False
        self.reason: str | None = None
        """Why the utterance ended: silence, no-speech or too-long."""

    def feed(self, pcm: bytes, now_s: float, *, more_waiting: bool = False) -> Verdict:
        """Take the next 16 kHz 16-bit mono piece at the time `now_s`; `more_waiting`: the next one is here already."""
        detector = self._detector
        if detector.feed(pcm):
            self._last_speech_at_s = now_s
            if self._trying:
                self._trying = False
                return Verdict.RESUME
        listened_s = now_s - self._started_at_s
        if more_waiting or detector.behind or detector.heard_s > listened_s + PRE_ROLL_S:
            return Verdict.LISTEN
        pause_s = min(detector.silence_s, (now_s - self._last_speech_at_s) / CLOCK_SHARE)
        if not detector.speech_seen:
            return self._end("no-speech") if pause_s >= NO_SPEECH_S else Verdict.LISTEN
        if pause_s >= self._silence_s:
            return self._end("silence")
        if min(detector.heard_s, listened_s) >= LONGEST_COMMAND_S:
            return self._end("too-long")
        if pause_s >= TRIAL_PAUSE_S and not self._trying:
            self._trying = True
            return Verdict.TRY
        return Verdict.LISTEN

    def _end(self, reason: str) -> Verdict:
        self.reason = reason
        return Verdict.END
