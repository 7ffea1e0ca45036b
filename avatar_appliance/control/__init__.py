"""The control plane: one process that owns the store, the turns, discovery and the HTTP API."""

from __future__ import annotations
