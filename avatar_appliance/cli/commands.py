"""Every command of `avatar`; importing this module registers them all."""

from __future__ import annotations

from . import (
    bench,
    canary,
    config,
    doctor,
    guest,
    models,
    serve,
    simulate_day,
    speak,
    token,
    up,
    version,
    vram,
    workers_commands,
    workers_install,
)

__all__ = [
    "bench",
    "canary",
    "config",
    "doctor",
    "guest",
    "models",
    "serve",
    "simulate_day",
    "speak",
    "token",
    "up",
    "version",
    "vram",
    "workers_commands",
    "workers_install",
]
