"""The text-to-speech server: one voice list, speakable text, one output format."""

from __future__ import annotations
