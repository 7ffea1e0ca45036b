"""The machine's RAM as a device: `cpu`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from avatar_appliance.coordinator.device import CPU, DeviceReading, ProcessMemory
from avatar_appliance.processes.process_identity import PROC, process_name
from avatar_appliance.processes.process_memory import process_rss_bytes

from .cgroup_memory import CgroupMemory, limited_groups
from .errors import ProbeFailed

_CGROUPS = Path("/sys/fs/cgroup")
_KIB = 1024


class HostMemoryProbe:
    """A DeviceProbe of RAM: what the machine has, and has available; or a control group's limit where that is smaller.

    `processes` is always None: a look at all of /proc takes ten milliseconds and more. `processes_in_ram` measures
    those that one asks about.

    `workers_in_our_cgroup` is False where workers are units of their own (systemd): then the limit of our own group is
    not theirs, and only those above it count.
    """

    def __init__(self, *, workers_in_our_cgroup: bool = True, proc: Path = PROC, cgroups: Path = _CGROUPS) -> None:
        self._workers_in_our_cgroup = workers_in_our_cgroup
        self._proc = proc
        self._cgroups = cgroups

    def read(self) -> Sequence[DeviceReading]:
        """Return the one reading; raises ProbeFailed where /proc/meminfo does not tell."""
        total_bytes, free_bytes = self._machine()
        for group in self._limits():
            # The smallest limit is the size of what can be had; the tightest place, another perhaps, says what is left.
            total_bytes = min(total_bytes, group.limit_bytes)
            free_bytes = min(free_bytes, group.free_bytes)
        used_bytes = max(0, total_bytes - free_bytes)
        return [DeviceReading(device=CPU, name="RAM", total_bytes=total_bytes, used_bytes=used_bytes)]

    def notes(self) -> Sequence[str]:
        """Return what people should know about the reading: that it is a limit, and not the machine."""
        limits = [group.limit_bytes for group in self._limits()]
        if limits and min(limits) < self._machine()[0]:
            return [f"{CPU}: a container or `MemoryMax=` allows less RAM than the machine has"]
        return []

    def close(self) -> None:
        """Do nothing: no file stays open between readings."""

    def _limits(self) -> Iterator[CgroupMemory]:
        return limited_groups(self._proc, self._cgroups, start_at_parent=not self._workers_in_our_cgroup)

    def _machine(self) -> tuple[int, int]:
        try:
            lines = (self._proc / "meminfo").read_text("ascii").splitlines()
            sizes = {key: int(value.split()[0]) * _KIB for key, _, value in (line.partition(":") for line in lines)}
            return sizes["MemTotal"], sizes["MemAvailable"]
        except (OSError, ValueError, LookupError) as error:
            raise ProbeFailed(
                f"RAM cannot be read from {self._proc}/meminfo ({type(error).__name__})",
                devices=[CPU],
                hint="A Linux with /proc is needed.",
            ) from None


def processes_in_ram(pids: Iterable[int]) -> tuple[ProcessMemory, ...]:
    """Return what each of these processes holds in RAM, as `processes` of `cpu` would; those gone are left out.

    Processes share pages (libraries, mapped weights, what a fork has not written to), so the sum may be more than they
    hold together.
    """
    held = ((pid, process_rss_bytes(pid)) for pid in pids)
    return tuple(
        ProcessMemory(pid, size_bytes, process_name(pid)) for pid, size_bytes in held if size_bytes is not None
    )
