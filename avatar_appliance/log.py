"""Logging: one line per event on stderr, with the connection's id; under systemd an entry of its journal, with fields.

Privacy: what people say goes to DEBUG only, and never into an exception's text. So an unexpected exception, whose
text we do not control, is logged by type and place; its text and traceback only at DEBUG (`log_defect`).
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import os
import sys
import traceback
from collections.abc import Iterator

from .journal import PRIORITIES, JournalHandler, is_journal

STDERR = 2  # the descriptor: sys.stderr may be something of a test's

connection_id: contextvars.ContextVar[str] = contextvars.ContextVar("connection_id", default="-")


class _Formatter(logging.Formatter):
    def __init__(self, process: str, *, journal: bool) -> None:
        stamp = "" if journal else "%(asctime)s "
        super().__init__(f"{stamp}%(levelname)-7s {process} [%(connection)s] %(name)s: %(message)s", "%H:%M:%S")
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        record.connection = connection_id.get()
        text = super().format(record)
        # journald reads "<N>" as the priority (sd-daemon(3)); people in a terminal do not want to see it.
        return f"<{PRIORITIES.get(record.levelno, 6)}>{text}" if self._journal else text


class _EntryFormatter(logging.Formatter):
    """Level, process and time are fields of an entry already."""

    def __init__(self) -> None:
        super().__init__("[%(connection)s] %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.connection = connection_id.get()
        return super().format(record)


def set_up_logging(level: str, process: str) -> None:
    """Log to stderr as `process` (its short name), or to the journal where stderr leads there."""
    to_journal = is_journal(STDERR)
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(process, journal=to_journal))
    if to_journal:
        handler = JournalHandler(f"avatar-{process}", fallback=handler)
        handler.setFormatter(_EntryFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Libraries that put requests or texts into INFO lines.
    http = ("httpx", "httpx2", "httpcore", "urllib3", "uvicorn.access", "websockets")
    for noisy in (*http, "faster_whisper", "piper", "aiosqlite"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@contextlib.contextmanager
def connection_log(identity: str) -> Iterator[None]:
    """Put `identity` on each log line written within."""
    token = connection_id.set(identity)
    try:
        yield
    finally:
        connection_id.reset(token)


def log_defect(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Log an unexpected exception without its text, which may hold what somebody said."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "unknown place"
    logger.error("%s: %s at %s (text and traceback at DEBUG)", what, type(error).__name__, place)
    logger.debug("%s", what, exc_info=error)
