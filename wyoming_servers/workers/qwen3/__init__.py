"""Qwen3-TTS: the parts of its worker. Only `imports` touches the packages, and only when it is called."""

from __future__ import annotations
