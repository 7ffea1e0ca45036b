"""Tell the process manager how we are: systemd's sd_notify protocol, also spoken between `avatar up` and its children.

sd_notify(3): datagrams of KEY=VALUE lines to the unix socket named by NOTIFY_SOCKET ("@" first means the abstract
namespace). Twenty lines of socket code need no library (docs/decisions/0007).
"""

from __future__ import annotations

import contextlib
import os
import socket


def notify(**fields: str) -> bool:
    """Send e.g. `notify(READY="1", STATUS="listening")`; return whether anybody is there to hear it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    message = "\n".join(f"{key}={value}" for key, value in fields.items())
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as client,
    ):
        client.sendto(message.encode(), address)
        return True
    return False
