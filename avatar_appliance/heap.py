"""Give memory back: the servers run for months, and one long recording must not stay resident for ever."""

from __future__ import annotations

import contextlib
import ctypes

# mallopt(3), malloc.h of glibc.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 128 * 1024


def keep_heap_small() -> None:
    """Have large blocks returned to the system when they are freed, and threads share one arena; call it early.

    glibc raises its thresholds by itself with each large block that is freed, and then keeps such blocks. Elsewhere
    (musl) nothing is done.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_ARENA_MAX, 1)
