"""Every command of `avatar`; importing this module registers them all."""

from __future__ import annotations

from . import bench, config, doctor, models, serve, speak, token, up, version

__all__ = ["bench", "config", "doctor", "models", "serve", "speak", "token", "up", "version"]
