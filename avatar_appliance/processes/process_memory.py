"""How much RAM a given process holds. A look costs some 50 microseconds: never over all of /proc."""

from __future__ import annotations

from dataclasses import dataclass

from .process_identity import PROC

_KIB = 1024


@dataclass(frozen=True, slots=True)
class ProcessRam:
    """The resident memory of one process. Pages that several processes share count for each of them in full."""

    own_bytes: int
    """Anonymous and shared memory (RssAnon, RssShmem): comes back only when the process lets it go or ends."""
    file_bytes: int
    """Mapped files (RssFile), such as the weights that llama.cpp maps. The kernel counts them as available and may drop
    them, but a model without its weights is slow: they belong into a budget, and are not in `used_bytes` of `cpu`."""

    @property
    def rss_bytes(self) -> int:
        """All that is resident."""
        return self.own_bytes + self.file_bytes


def process_ram(pid: int) -> ProcessRam | None:
    """Return what the process holds, nothing for a zombie; None when there is no such process."""
    try:
        lines = (PROC / str(pid) / "status").read_bytes().splitlines()
    except OSError:
        return None
    sizes = {b"RssAnon": 0, b"RssShmem": 0, b"RssFile": 0}
    for line in lines:
        key, _, value = line.partition(b":")
        if key in sizes:
            sizes[key] = int(value.split()[0]) * _KIB
    return ProcessRam(sizes[b"RssAnon"] + sizes[b"RssShmem"], sizes[b"RssFile"])


def process_rss_bytes(pid: int) -> int | None:
    """Return the resident memory of the process, mapped files included; None when there is no such process."""
    ram = process_ram(pid)
    return None if ram is None else ram.rss_bytes
