"""What a probe can say besides a reading."""

from __future__ import annotations

from collections.abc import Sequence

from avatar_appliance.coordinator.device import DeviceId, DeviceReading
from avatar_appliance.errors import AvatarError


class ProbeFailed(AvatarError):
    """A device that was there cannot be read: nothing may be started on it before it is seen again."""

    code = "probe-failed"
    default_hint = "`nvidia-smi` and `journalctl -k | grep NVRM` say what the driver thinks; the probe tries again."
    http_status = 503
    retryable = True

    def __init__(
        self,
        text: str,
        *,
        devices: Sequence[DeviceId],
        readings: Sequence[DeviceReading] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(text, hint=hint)
        self.devices = tuple(devices)
        """Those that cannot be read."""
        self.readings = tuple(readings)
        """What was read of the others: one lost GPU must not blind us for the rest."""
