"""Ask our own HTTP API something: an event loop that hangs, or a process out of descriptors, cannot answer."""

from __future__ import annotations

from pathlib import Path

import httpx

from avatar_appliance.paths import owner_socket

TIMEOUT_S = 60.0  # the watchdog's own patience is shorter


async def ask_ourselves(runtime_dir: Path) -> None:
    """Return once the control plane that runs here has answered on the owner's socket, whatever it said.

    Raises httpx.HTTPError where there is no answer.
    """
    transport = httpx.AsyncHTTPTransport(uds=str(owner_socket(runtime_dir)))
    async with httpx.AsyncClient(transport=transport, timeout=TIMEOUT_S) as client:
        await client.get("http://localhost/")
