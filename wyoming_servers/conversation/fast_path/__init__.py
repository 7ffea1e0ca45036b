"""The fast path: plain commands and questions, recognised against the household without a language model."""

from __future__ import annotations

from .recogniser import FastPath
from .recognition import Doubt, Recognised, Recognition, Unsure

__all__ = ["Doubt", "FastPath", "Recognised", "Recognition", "Unsure"]
