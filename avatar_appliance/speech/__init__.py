"""The text-to-speech server's own socket: what it is told ahead of time, how it is doing. Both planes use it."""

from __future__ import annotations

from .messages import SPEECH_SOCKET, SpeechFigures

__all__ = ["SPEECH_SOCKET", "SpeechFigures"]
