"""Pocket TTS: the parts of its worker. Only `model` touches the package pocket_tts, and only when it is called."""

from __future__ import annotations
