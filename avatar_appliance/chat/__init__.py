"""Talking with the box from the panel: one question, typed or spoken, and its answer as it comes into being."""

from __future__ import annotations

from .chat import Chat
from .question import Question
from .voice import ChatVoice

__all__ = ["Chat", "ChatVoice", "Question"]
