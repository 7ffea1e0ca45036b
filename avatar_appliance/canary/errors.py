"""What a canary can find."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError


class CanaryFailed(AvatarError):
    """Every server answered, but what came out was not what went in."""

    code = "canary-failed"
    default_hint = "`avatar doctor` names what is wrong; `avatar workers list` shows which models are up."
    http_status = 502
