"""Workers: one engine, one process, killed = memory back. Engines are imported inside `load()` only."""

from __future__ import annotations
