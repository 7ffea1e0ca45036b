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


class SystemdUnavailable(AvatarError):
    """systemd cannot be asked: there is no system bus, or nobody answers on it."""

    code = "systemd-unavailable"
    default_hint = (
        "Is systemd running, and the package dbus installed? Without them, `avatar up` runs everything itself."
    )
    http_status = 503
    retryable = True


class SystemdRefused(AvatarError):
    """systemd would not do what it was asked, or did not do it."""

    code = "systemd-refused"
    default_hint = "`systemctl status UNIT` and `journalctl -u UNIT` say more."
    http_status = 502


class UnitDenied(SystemdRefused):
    """The user of the control plane may not do this with this unit."""

    code = "unit-denied"
    default_hint = (
        "The polkit rule is missing: install systemd/50-avatar.rules into /etc/polkit-1/rules.d (package polkitd). "
        "It lets the user `avatar` start, stop and kill units avatar-worker@, and nothing else."
    )
    http_status = 403
