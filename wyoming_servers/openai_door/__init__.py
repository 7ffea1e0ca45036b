"""The OpenAI-compatible door to the brain: for Home Assistant's llama.cpp integration and for chat programs."""

from __future__ import annotations

from .door import Door

__all__ = ["Door"]
