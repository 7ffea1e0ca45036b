"""The conversation server's side of ahead-of-time speech."""

from __future__ import annotations

from .hand_over import HandOver, handed_over

__all__ = ["HandOver", "handed_over"]
