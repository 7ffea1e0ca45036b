"""Which of a device's bytes are ours: readings matched with the processes of our workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from avatar_appliance.processes.process_memory import ProcessRam

from .device import CPU, DeviceId, DeviceReading
from .device_probe import DeviceProbe
from .events import DeviceLost, DeviceSeen, DevicesSeen
from .probes.errors import ProbeFailed

_LOGGER = logging.getLogger(__name__)


class MemoryMeter:
    """Turns looks at the devices into events.

    `pids` tells the processes of a worker, `ram` what a process holds of RAM (None: it is gone).
    """

    def __init__(
        self,
        probe: DeviceProbe,
        pids: Callable[[str], Sequence[int]],
        ram: Callable[[int], ProcessRam | None],
    ) -> None:
        self._probe = probe
        self._pids = pids
        self._ram = ram
        self._known: set[DeviceId] = set()
        self._peaks: dict[tuple[str, DeviceId], int] = {}
        self.readings: Mapping[DeviceId, DeviceReading] = {}
        """The last look, for people."""

    def look(self, holders: Mapping[DeviceId, Sequence[str]]) -> DevicesSeen:
        """Return what each device has; `holders` are the workers that hold memory, by device.

        A device that was there and is not is DeviceLost.
        """
        try:
            readings = self._probe.read()
        except ProbeFailed as error:
            _LOGGER.debug("%s", error.text)  # the probe says it aloud, once
            readings = error.readings
        self.readings = {reading.device: reading for reading in readings}
        lost = self._known - set(self.readings)
        self._known |= set(self.readings)
        seen = [self._seen(reading, holders.get(reading.device, ())) for reading in readings]
        return DevicesSeen((*seen, *(DeviceLost(device) for device in sorted(lost))))

    def forget_peak(self, worker: str, device: DeviceId) -> None:
        """Begin to remember the most that a worker holds of a device."""
        self._peaks.pop((worker, device), None)

    def peak_bytes(self, worker: str, device: DeviceId) -> int | None:
        """Return the most that any look since `forget_peak` saw of a worker; None where nothing was seen."""
        return self._peaks.get((worker, device))

    def held_bytes(self, worker: str, device: DeviceId) -> int | None:
        """Return what the processes of a worker held of a device at the last look; None where that cannot be told."""
        reading = self.readings.get(device)
        if reading is None:
            return None
        return self._own(reading, self._pids(worker))

    def processes_on(self, device: DeviceId) -> frozenset[int] | None:
        """Return the processes that held memory of a GPU at the last look; None where they cannot be seen."""
        reading = self.readings.get(device)
        if reading is None or reading.processes is None:
            return None
        return frozenset(process.pid for process in reading.processes)

    def _seen(self, reading: DeviceReading, workers: Sequence[str]) -> DeviceSeen:
        own: dict[str, int | None] = {}
        ours: set[int] = set()
        for worker in workers:
            # A worker whose process has ended is left out: its memory may still be on its way back.
            if pids := self._pids(worker):
                ours.update(pids)
                held = own[worker] = self._own(reading, pids)
                if held:
                    key = worker, reading.device
                    self._peaks[key] = max(held, self._peaks.get(key, 0))
        foreign = (process for process in reading.processes or () if process.pid not in ours)
        return DeviceSeen(
            device=reading.device,
            usable_bytes=reading.usable_bytes,
            used_bytes=reading.used_bytes + self._mapped_bytes(reading, ours),
            own_bytes=own,
            foreign_names=frozenset(process.name for process in foreign if process.name),
        )

    def _mapped_bytes(self, reading: DeviceReading, ours: Iterable[int]) -> int:
        """Return what our workers have mapped of files: part of what they hold, and to the kernel free RAM."""
        if reading.device != CPU:
            return 0
        return sum(ram.file_bytes for pid in ours if (ram := self._ram(pid)) is not None)

    def _own(self, reading: DeviceReading, pids: Sequence[int]) -> int | None:
        if reading.device == CPU:
            return sum(ram.rss_bytes for pid in pids if (ram := self._ram(pid)) is not None)
        if reading.processes is None:
            return None
        mine = [process.used_bytes for process in reading.processes if process.pid in pids]
        if any(size is None for size in mine):
            return None
        return sum(size for size in mine if size is not None)
