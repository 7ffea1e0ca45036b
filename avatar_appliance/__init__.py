"""AVATAR Appliance: a private, fast, personal voice for the house (control plane)."""

from __future__ import annotations

__version__ = "0.1.0"
