"""Log records as entries of systemd's journal, with fields: `journalctl CONNECTION=c12`, `journalctl -o json`.

The journal's native protocol is one datagram per entry (https://systemd.io/JOURNAL_NATIVE_PROTOCOL). A few lines of
socket code need no library (docs/decisions/0021).
"""

from __future__ import annotations

import logging
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")
# A datagram may have about 200 KiB (net.core.wmem_max). No line of ours is long, but a traceback at DEBUG could be: it
# is cut.
MAX_MESSAGE_BYTES = 64 * 1024
# sd-daemon(3)
PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def is_journal(descriptor: int) -> bool:
    """Return whether `descriptor` leads to the journal: systemd names its stream in JOURNAL_STREAM."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class JournalHandler(logging.Handler):
    """Sends each record as one entry of `identifier`; what cannot be sent goes to `fallback`."""

    def __init__(self, identifier: str, *, fallback: logging.Handler, path: Path = SOCKET) -> None:
        super().__init__()
        self._identifier = identifier
        self._fallback = fallback
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        message = self.format(record).encode("utf-8", "replace")[:MAX_MESSAGE_BYTES]
        fields: dict[str, str | bytes] = {
            "MESSAGE": message,
            "PRIORITY": str(PRIORITIES.get(record.levelno, 6)),
            "SYSLOG_IDENTIFIER": self._identifier,
            "LOGGER": record.name,
            "CONNECTION": getattr(record, "connection", "-"),
            "CODE_FILE": record.pathname,
            "CODE_LINE": str(record.lineno),
            "CODE_FUNC": record.funcName or "",
        }
        try:
            self._socket.sendto(entry(fields), self._path)
        except OSError:  # journald restarts, or its queue is full
            self._fallback.handle(record)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()


def entry(fields: Mapping[str, str | bytes]) -> bytes:
    """Return a datagram: KEY=VALUE lines, and where a value has line breaks KEY, its length and the value."""
    packed = bytearray()
    for key, text in fields.items():
        value = text.encode("utf-8", "replace") if isinstance(text, str) else text
        if b"\n" in value:
            packed += key.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
        else:
            packed += key.encode() + b"=" + value + b"\n"
    return bytes(packed)
