"""The echo guard: what the box just said, heard by its own ears, is nobody's wish."""

from __future__ import annotations
