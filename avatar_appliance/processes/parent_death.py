"""A child must not outlive its parent, not even one that was killed with SIGKILL."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel send SIGTERM to this process when its parent `parent_pid` ends; call it first thing.

    The parent must have started us directly, from a thread that lives as long as it does (the kernel watches that
    thread). If it is gone already, the SIGTERM comes now. Raises OSError where the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGTERM)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_PDEATHSIG): {os.strerror(number)}")
    if os.getppid() != parent_pid:  # it died before the call above, which watches whoever is the parent now
        os.kill(os.getpid(), signal.SIGTERM)
