"""The account of one device: what it has, what others hold, what is charged to whom."""

from __future__ import annotations

from collections.abc import Mapping

from .device import DeviceId


class DeviceAccount:
    """Charges are promises, readings are facts; whichever is larger counts.

    Invariant of the scheduler: a charge is added only where `free_bytes` covers it, so charges exceed the budget only
    after a reading brought a surprise (our own worker grew, or somebody else came).
    """

    def __init__(self, device: DeviceId, *, ceiling: float, headroom_bytes: int) -> None:
        self.device = device
        self._ceiling = ceiling
        self._headroom_bytes = headroom_bytes
        self.budget_bytes = 0
        """What may be charged and held by others together."""
        self.usable_bytes = 0
        """0 until the device was seen."""
        self.used_bytes = 0
        self.foreign_bytes = 0
        """What processes that are not ours hold."""
        self.foreign_names: frozenset[str] = frozenset()
        self.lost = False
        """It could not be read any more: nothing is started there."""
        self.promised_to: str | None = None
        """The worker for which room is being made; nobody else may start here meanwhile."""
        self._charges: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._presumed: dict[str, int] = {}
        self._charged_bytes = 0

    @property
    def charges(self) -> Mapping[str, int]:
        """Bytes charged by worker."""
        return self._charges

    @property
    def charged_bytes(self) -> int:
        """What is charged to our workers."""
        return self._charged_bytes

    @property
    def free_bytes(self) -> int:
        """What a start may still take; negative after a surprise."""
        return self.budget_bytes - self.foreign_bytes - self._charged_bytes

    def charge(self, worker: str, size_bytes: int) -> None:
        """Set what is charged to a worker; 0 ends the charge and forgets what was seen of it.

        What the last reading put down to a worker without seeing it counts as a stranger's until the next one: perhaps
        it was one.
        """
        self._charged_bytes += size_bytes - self._charges.pop(worker, 0)
        if size_bytes > 0:
            self._charges[worker] = size_bytes
        else:
            self._seen.pop(worker, None)
            self.foreign_bytes += self._presumed.pop(worker, 0)

    def seen_bytes(self, worker: str) -> int | None:
        """Return what the last reading saw of a worker, or None where it cannot be told apart."""
        return self._seen.get(worker)

    def see(self, usable_bytes: int, used_bytes: int, own_bytes: Mapping[str, int | None]) -> None:
        """Take a reading.

        Workers that cannot be told apart (hidden pids, or just ended with their memory still on its way back) explain
        as much of what nobody else holds as is charged to them.
        """
        self.usable_bytes, self.used_bytes, self.lost = usable_bytes, used_bytes, False
        self.budget_bytes = max(0, int(usable_bytes * self._ceiling) - self._headroom_bytes)
        self._seen = {name: size for name, size in own_bytes.items() if size is not None}
        unexplained = max(0, used_bytes - sum(self._seen.values()))
        self._presumed = {}
        for name, size in self._charges.items():
            if name not in self._seen:
                self._presumed[name] = min(size, unexplained)
                unexplained -= self._presumed[name]
        self.foreign_bytes = unexplained
