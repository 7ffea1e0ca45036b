"""Wrap PCM as a WAV file."""

from __future__ import annotations

import io
import wave

WIDTH_BYTES = 2


def wav_bytes(pcm: bytes, rate_hz: int) -> bytes:
    """Return a WAV file with signed 16-bit mono `pcm`."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(WIDTH_BYTES)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return buffer.getvalue()
