"""What the studio may take, and where its files end."""

from __future__ import annotations

import resource
from dataclasses import dataclass

MAX_CHANNELS = 8
MAX_SOURCE_RATE_HZ = 192_000
MAX_ANSWER_BYTES = 256 * 1024
_MAX_FILE_BYTES = 16 * 1024 * 1024
_MAX_FILES = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one visit to the studio may take."""

    memory_bytes: int = 1536 * 1024 * 1024
    """Address space: libraries are mapped into it, so it is several times what is really used."""
    cpu_s: int = 30
    wall_s: float = 60.0


def confine(memory_bytes: int, cpu_s: int) -> None:
    """Bind this process to its bounds; from here on the kernel keeps them."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, _MAX_FILE_BYTES),
        (resource.RLIMIT_NOFILE, _MAX_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
