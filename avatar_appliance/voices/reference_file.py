"""The one kind of sound file that profiles keep: PCM16 mono WAV at 24 kHz, 3 to 15 s."""

from __future__ import annotations

import wave
from pathlib import Path

from .errors import RecordingUnreadable
from .voice_index import MAX_REFERENCE_S, MIN_REFERENCE_S, REFERENCE_RATE_HZ

_SLACK_S = 0.01


def reference_length_s(path: Path) -> float:
    """Return how long the reference at `path` is; raises RecordingUnreadable where it is none.

    The studio is not believed: what it wrote is read by the workers next.
    """
    try:
        with wave.open(str(path), "rb") as file:
            shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            length_s = file.getnframes() / REFERENCE_RATE_HZ
            complete = len(file.readframes(file.getnframes())) == file.getnframes() * 2
    except (OSError, EOFError, wave.Error):
        raise RecordingUnreadable("the recording could not be read") from None
    if shape != (1, 2, REFERENCE_RATE_HZ) or not complete:
        raise RecordingUnreadable("the recording could not be read")
    if not MIN_REFERENCE_S - _SLACK_S <= length_s <= MAX_REFERENCE_S + _SLACK_S:
        raise RecordingUnreadable("the recording could not be read")
    return length_s
