"""What the coordinator answers to a command that it does not carry out."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError, NotFound


class WorkerUnknown(NotFound):
    """No ladder uses a worker of that name."""

    code = "worker-unknown"
    default_hint = "`avatar workers list` shows the workers; one that is on no ladder is never started."


class CommandRefused(AvatarError):
    """The command makes no sense as things are: the worker runs elsewhere, cannot sleep, or is in use."""

    code = "command-refused"
    default_hint = "`avatar workers list` shows the state of each worker; `stop --force` ends one that is in use."
    http_status = 409
