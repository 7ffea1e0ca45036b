"""The panel: pages for people, which work with the same HTTP API as everybody else."""

from __future__ import annotations

from .panel import PAGES, mount_panel, open_paths

__all__ = ["PAGES", "mount_panel", "open_paths"]
