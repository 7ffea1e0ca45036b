"""The process that a fake worker with `leave_child` leaves behind: `fake_child BYTES gpu|cpu claim|allocate`.

It stays in the worker's process group, as the helpers of real engines do, and holds its memory when the worker is gone.
"""

from __future__ import annotations

import subprocess
import sys
import time

from avatar_appliance.processes.simulated_gpu import SimulatedAllocation

from .fake_memory import FakeMemory

LIFE_S = 600.0
"""It ends by itself then: a drill must not hold memory for ever where nobody ends the group."""


def leave_child(size_bytes: int, *, on_gpu: bool, allocate: bool) -> subprocess.Popen[bytes]:
    """Start such a child and return when it holds its memory; raises MemoryError where it cannot."""
    command = [sys.executable, "-m", __name__, str(size_bytes), "gpu" if on_gpu else "cpu"]
    child = subprocess.Popen(
        [*command, "allocate" if allocate else "claim"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    with child.stdout:
        if not child.stdout.readline():
            child.wait()
            raise MemoryError(f"the child of a fake worker could not hold {size_bytes} bytes")
    return child


def main(arguments: list[str]) -> None:
    """Hold memory until killed, or for LIFE_S."""
    size_bytes, device, how = arguments
    simulated = SimulatedAllocation.from_environment() if device == "gpu" else None
    try:
        FakeMemory(simulated, allocate=how == "allocate").resize(int(size_bytes))
    except MemoryError as error:
        sys.exit(f"the child of a fake worker: {error}")
    print(flush=True)
    time.sleep(LIFE_S)


if __name__ == "__main__":
    main(sys.argv[1:])
