"""The resources of the HTTP API, one file each; a new one joins the list here."""

from __future__ import annotations

from . import conversations, health, recordings, system, turns

ROUTERS = (health.router, system.router, conversations.router, turns.router, recordings.router)

__all__ = ["ROUTERS"]
