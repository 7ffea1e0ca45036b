"""Codes the joiner itself writes into a stage."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError


class StageInterrupted(AvatarError):
    """A stage began and its end was never reported: its server died or lost its connection."""

    code = "stage-interrupted"
    default_hint = "See the log of that server around this time; it is restarted by itself."
    http_status = 502
    retryable = True
