"""F5-TTS: the parts of its worker. Only `imports` touches the package f5_tts, and only when it is called."""

from __future__ import annotations
