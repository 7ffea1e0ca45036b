"""How words of this house are to be said: kept by the control plane, read by the text-to-speech server. Light."""

from __future__ import annotations

from .entry import Pronunciation, PronunciationRefused
from .file import PronunciationFile, pronunciations_path
from .household import HouseholdPronunciations

__all__ = [
    "HouseholdPronunciations",
    "Pronunciation",
    "PronunciationFile",
    "PronunciationRefused",
    "pronunciations_path",
]
