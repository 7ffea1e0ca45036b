"""How many CPU threads an engine takes."""

from __future__ import annotations

import os
from pathlib import Path

# Beyond four threads Whisper base and small LLMs gain little, and the other workers need cores too.
MOST_THREADS = 4
_CPUS = Path("/sys/devices/system/cpu")


def cpu_threads(configured: int) -> int:
    """Return `configured`, or where it is 0 the physical cores this process may use, four at most."""
    return configured or min(MOST_THREADS, physical_cores())


def physical_cores(cpus: Path = _CPUS) -> int:
    """Return how many cores the CPUs are that this process may use: two threads of one core are no gain in arithmetic.

    `cpus` is the kernel's folder of them; where it tells nothing, each CPU is taken for a core.
    """
    return len({_core(cpus, number) for number in os.sched_getaffinity(0)})


def _core(cpus: Path, number: int) -> str:
    try:
        return (cpus / f"cpu{number}/topology/thread_siblings_list").read_text("ascii").strip()
    except OSError:
        return str(number)
