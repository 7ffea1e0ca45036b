"""How long a lease for a ready worker takes, asked by a data-plane process of a coordinator in another process.

    python benchmarks/lease_latency.py [--requests 5000]

Prints JSON; times in milliseconds, from `LeaseClient.request` to the lease. The book behind the socket grants at once:
what the scheduler takes to decide is measured elsewhere. `alone`: one request after the other, each given back before
the next; `burst`: five at the same moment, as in a house where five people speak at once. `cpu_ms` is what a lease
(asking, one change of urgency, giving back) costs this side in processor time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from avatar_appliance.coordinator.actions import Deny, Grant, Revoke
from avatar_appliance.coordinator.events import Cancelled, Declared, Released, Requested, UrgencyChanged
from avatar_appliance.coordinator.lease_server import LeaseServer
from avatar_appliance.leases import Urgency
from avatar_appliance.leases.client import LeaseClient

LADDER = ("whisper-large", "whisper-small")
WARM = ("chat", "piper")
BURST = 5


class TrivialBook:
    """Grants everything."""

    def __init__(self) -> None:
        self._answer: Callable[[Grant | Deny | Revoke], None] = lambda _: None

    def on_answer(self, callback: Callable[[Grant | Deny | Revoke], None]) -> None:
        self._answer = callback

    def submit(self, event: Requested | Cancelled | Released | Declared | UrgencyChanged) -> None:
        if isinstance(event, Requested):
            self._answer(Grant(event.request.lease_id, event.request.ladder[0]))


async def serve(runtime_dir: Path) -> None:
    """Be the coordinator until killed."""
    server = LeaseServer(runtime_dir, TrivialBook())
    await server.start()
    await asyncio.Event().wait()


async def timed(client: LeaseClient) -> float:
    """Take a lease as the ASR server does; return how long it took, in seconds."""
    began_s = time.perf_counter()
    lease = await client.request(LADDER, urgency=Urgency.IDLE, wait_s=2.0, warm=WARM)
    took_s = time.perf_counter() - began_s
    lease.set_urgency(Urgency.FINAL)
    lease.release()
    return took_s


async def measure(client: LeaseClient, requests: int, at_once: int) -> dict[str, float | int]:
    times_s: list[float] = []
    began_cpu_s = time.process_time()
    for _ in range(requests // at_once):
        times_s += await asyncio.gather(*(timed(client) for _ in range(at_once)))
    cpu_s = time.process_time() - began_cpu_s
    times_ms = sorted(1000 * took_s for took_s in times_s)
    return {
        "requests": len(times_ms),
        "p50_ms": round(statistics.median(times_ms), 3),
        "p99_ms": round(times_ms[int(0.99 * len(times_ms))], 3),
        "max_ms": round(times_ms[-1], 3),
        "cpu_ms": round(1000 * cpu_s / len(times_ms), 3),
    }


async def main(requests: int) -> None:
    with tempfile.TemporaryDirectory(prefix="lease") as folder:
        server = await asyncio.create_subprocess_exec(sys.executable, __file__, "--serve", folder)
        client = LeaseClient(Path(folder), "bench")
        running = asyncio.create_task(client.run())
        try:
            while not client.connected:  # noqa: ASYNC110 - once, before anything is measured
                await asyncio.sleep(0.05)
            await measure(client, 200, 1)  # warm-up: what is compiled or cached at first use
            results = {"alone": await measure(client, requests, 1), "burst": await measure(client, requests, BURST)}
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            server.kill()
            await server.wait()
    machine = {
        "python": platform.python_version(),
        "cpus": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps({"benchmark": "lease_latency", "machine": machine, **results}, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    asyncio.run(serve(options.serve) if options.serve else main(options.requests))
