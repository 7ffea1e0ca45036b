"""What keeps a fact from being remembered."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError


class MemoryAway(AvatarError):
    """The control plane, which keeps what people want remembered, cannot be asked now."""

    code = "memory-away"
    default_hint = "See the log of the control plane (`avatar doctor`); the conversation goes on without its memory."
    http_status = 503
    retryable = True
