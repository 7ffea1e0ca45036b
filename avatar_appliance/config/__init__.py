"""Configuration: the typed settings, where they come from, and what is wrong with them."""

from __future__ import annotations

from .load import load_settings
from .settings import Settings

__all__ = ["Settings", "load_settings"]
