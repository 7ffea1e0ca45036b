"""A GPU that does not exist: what processes say they hold in a folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from avatar_appliance.coordinator.device import DeviceId, DeviceReading, ProcessMemory
from avatar_appliance.processes.process_identity import process_name, start_ticks
from avatar_appliance.processes.simulated_gpu import Holding, SimulatedCard

from .errors import ProbeFailed


class SimulatedGpuProbe:
    """A DeviceProbe of one simulated GPU; `avatar_appliance.processes.simulated_gpu` has the format of its folder.

    A real card's bad habits can be played: memory of a dead process that comes back `release_lag_s` after its death was
    seen, `residue_bytes` of it that never do (before `clear_residue`), and pids that nobody may see (`hide_processes`).
    Those are of the readings only: whoever takes memory is not bothered by them. Raises OSError when made in a folder
    that cannot be written.
    """

    def __init__(
        self,
        total_bytes: int,
        folder: Path,
        *,
        device: DeviceId = "cuda:0",
        reserved_bytes: int = 0,
        release_lag_s: float = 0.0,
        residue_bytes: int = 0,
        hide_processes: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._card = SimulatedCard(folder)
        self._card.lay(total_bytes - reserved_bytes)
        self._device = device
        self._total_bytes = total_bytes
        self._reserved_bytes = reserved_bytes
        self._lag_s = release_lag_s
        self._residue_bytes = residue_bytes
        self._hide_processes = hide_processes
        self._clock = clock
        self._last: dict[tuple[int, int], Holding] = {}
        self._on_its_way: list[tuple[float, int]] = []  # when it is back, and how many bytes
        self._left_bytes = 0

    def read(self) -> Sequence[DeviceReading]:
        """Return the one reading; raises ProbeFailed where the folder is gone."""
        try:
            holdings = self._card.holdings()
        except OSError as error:
            text = f"the folder of the simulated GPU cannot be read: {error.strerror}"
            raise ProbeFailed(text, devices=[self._device], hint=f"It is {self._card.folder}.") from None
        late_bytes = self._late_bytes(holdings)
        used_bytes = sum(holding.size_bytes for holding in holdings) + late_bytes
        processes = tuple(ProcessMemory(h.pid, h.size_bytes, process_name(h.pid)) for h in holdings)
        reading = DeviceReading(
            device=self._device,
            name="simulated GPU",
            total_bytes=self._total_bytes,
            used_bytes=min(used_bytes, self._total_bytes - self._reserved_bytes),
            reserved_bytes=self._reserved_bytes,
            processes=None if self._hide_processes else processes,
        )
        return [reading]

    def notes(self) -> Sequence[str]:
        """Return what people should know: that this is no real GPU."""
        return [f"{self._device}: simulated by the files in {self._card.folder}"]

    def clear_residue(self) -> None:
        """Let come back what dead processes left behind."""
        self._left_bytes = 0

    def close(self) -> None:
        """Do nothing: the folder stays, and with it what living processes hold."""

    def _late_bytes(self, holdings: Sequence[Holding]) -> int:
        """Return what dead processes still seem to hold."""
        now_s = self._clock()
        living = {(holding.pid, holding.start_ticks): holding for holding in holdings}
        for identity, holding in self._last.items():
            if identity not in living and start_ticks(holding.pid) != holding.start_ticks:
                stays_bytes = min(self._residue_bytes, holding.size_bytes)
                self._left_bytes += stays_bytes
                self._on_its_way.append((now_s + self._lag_s, holding.size_bytes - stays_bytes))
        self._last = living
        self._on_its_way = [(back_at_s, size) for back_at_s, size in self._on_its_way if back_at_s > now_s]
        return self._left_bytes + sum(size for _, size in self._on_its_way)
