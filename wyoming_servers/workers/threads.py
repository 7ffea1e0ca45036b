"""How many CPU threads an engine takes."""

from __future__ import annotations

import os

# Beyond four threads Whisper base and small LLMs gain little, and the other workers need cores too.
MOST_THREADS = 4


def cpu_threads(configured: int) -> int:
    """Return `configured`, or where it is 0 the CPUs this process may use, four at most."""
    return configured or min(MOST_THREADS, len(os.sched_getaffinity(0)))
