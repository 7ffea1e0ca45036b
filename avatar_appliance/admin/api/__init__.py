"""The resources of the HTTP API, one file each; a new one joins the list here."""

from __future__ import annotations

from . import conversations, events, guest_mode, health, recordings, system, turns, vram, workers

ROUTERS = (
    health.router,
    system.router,
    vram.router,
    workers.router,
    guest_mode.router,
    events.router,
    conversations.router,
    turns.router,
    recordings.router,
)

__all__ = ["ROUTERS"]
