"""What each worker offered last, on disk: a worker that is stopped or asleep keeps its place in the lists."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from wyoming.event import Event
from wyoming.info import Info

from avatar_appliance.errors import BadRequest
from avatar_appliance.wire import parse_event

# A foreign server may list hundreds of voices; nobody lists this much.
MAX_FILE_BYTES = 4 * 2**20


class Offers:
    """One file per worker under `cache_dir`/offers. What cannot be read is as if it had never been written."""

    def __init__(self, cache_dir: Path) -> None:
        self._folder = cache_dir / "offers"

    def read(self, worker: str, engine: str) -> Info | None:
        """Return the worker's last offer; None where there is none, or where another engine made it."""
        path = self._path(worker)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                return None
            kept: Any = json.loads(path.read_bytes())
            if kept["engine"] != engine:
                return None
            return parse_event(Info, Event("info", kept["info"]))
        except (OSError, ValueError, LookupError, TypeError, RecursionError, BadRequest):
            return None

    def write(self, worker: str, engine: str, info: Info) -> None:
        """Keep the worker's offer; a reader sees the old one or the new. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"engine": engine, "info": info.event().data}, ensure_ascii=False)
        # Named after the process: one that is being replaced may write, too.
        unfinished = self._folder / f".{worker}.{os.getpid()}.new"
        try:
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(self._path(worker))  # no fsync: what a power cut takes is told again
        finally:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def _path(self, worker: str) -> Path:
        return self._folder / f"{worker}.json"
