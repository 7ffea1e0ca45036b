"""What can be wrong about a process we look after."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError, DeadlineExceeded, NotFound


class ProcessUnknown(NotFound):
    """No process of that name was ever started here."""

    code = "process-unknown"
    default_hint = "`GET /api/system/info` lists the processes there are."


class ProcessFailed(AvatarError):
    """A process ended (or was stopped) while somebody waited for it to be ready."""

    code = "process-failed"
    default_hint = "Its own log lines, just before this one, say why."
    http_status = 502


class ProcessNotReady(DeadlineExceeded):
    """A process did not become ready in the time the waiter had."""

    code = "process-not-ready"
    default_hint = "Loading a large model takes a while; `GET /api/system/info` shows how far it is."
