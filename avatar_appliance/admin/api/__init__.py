"""The resources of the HTTP API, one file each; a new one joins the list here."""

from __future__ import annotations

from . import (
    chat,
    conversations,
    events,
    facts,
    guest_mode,
    health,
    pronunciations,
    recordings,
    session,
    speech,
    system,
    turns,
    voices,
    vram,
    workers,
)

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
    voices.router,
    facts.router,
    pronunciations.router,
    speech.router,
    session.router,
    chat.router,
)

__all__ = ["ROUTERS"]
