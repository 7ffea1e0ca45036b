"""The canary: a tiny spoken turn of our own, which tells whether the house could speak and be understood now."""

from .errors import CanaryFailed
from .phrase import CanaryPhrase, phrase_for
from .turn import CanaryTurn, spoken_turn

__all__ = ["CanaryFailed", "CanaryPhrase", "CanaryTurn", "phrase_for", "spoken_turn"]
