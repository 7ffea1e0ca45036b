"""The memory of a simulated device: what is not free is not had."""

from __future__ import annotations

from avatar_appliance.coordinator.device import DeviceId


class SimulatedMemory:
    """Who holds how much of one device."""

    def __init__(self, device: DeviceId, total_bytes: int, *, pids_visible: bool = True) -> None:
        self.device = device
        self.total_bytes = total_bytes
        self.pids_visible = pids_visible
        """Whether a reading tells whose the bytes are (in containers NVML does not)."""
        self.held: dict[str, int] = {}
        self.used_bytes = 0
        self.version = 0
        """Changes whenever anything does."""

    @property
    def free_bytes(self) -> int:
        """What anybody may have."""
        return self.total_bytes - self.used_bytes

    def hold(self, holder: str, size_bytes: int) -> bool:
        """Have `holder` hold so much from now on; return False, and change nothing, where it is not there."""
        more = size_bytes - self.held.get(holder, 0)
        if more > 0 and more > self.free_bytes:
            return False
        if more:
            self.version += 1
            self.used_bytes += more
            if size_bytes:
                self.held[holder] = size_bytes
            else:
                del self.held[holder]
        return True

    def release(self, holder: str) -> None:
        """Have `holder` hold nothing."""
        self.hold(holder, 0)
