"""A file that another process may replace at any moment, and what it says now."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

_LOGGER = logging.getLogger(__name__)

_UNREADABLE: Final = (-1, -1, -1)  # no state of a file

Value = TypeVar("Value")


class WatchedFile(Generic[Value]):
    """The value of a file, read anew whenever it changed; looking costs one `stat`.

    `parse` makes the value of the file's bytes (at most `max_bytes`) and raises ValueError; a text of exactly that
    class is logged, so it holds nothing that people said. Without a file the value is `empty`; while the file is bad,
    the last good one stays. `what` names the content in the log.
    """

    def __init__(self, path: Path, parse: Callable[[bytes], Value], empty: Value, *, what: str, max_bytes: int) -> None:
        """Watch the file at `path`, which need not exist yet."""
        self.path = path
        self._parse = parse
        self._empty = self._value = empty
        self._what = what
        self._max_bytes = max_bytes
        self._seen: tuple[int, int, int] | None = None

    @property
    def value(self) -> Value:
        """What the file says: the same object until it changes."""
        try:
            state = _fingerprint(os.stat(self.path))
            if state == self._seen:
                return self._value
            with self.path.open("rb") as file:
                # Of the file that is read: it may have been replaced after the look at the path.
                state = _fingerprint(os.fstat(file.fileno()))
                content = file.read(self._max_bytes + 1)
        except FileNotFoundError:
            self._seen, self._value = None, self._empty
            return self._empty
        except OSError as error:
            return self._keep(_UNREADABLE, f"it cannot be read ({error.strerror})")
        try:
            if len(content) > self._max_bytes:
                raise ValueError("it is too large")
            value = self._parse(content)
        except (ValueError, RecursionError) as error:
            return self._keep(state, str(error) if type(error) is ValueError else "it is not JSON")
        self._seen, self._value = state, value
        return value

    def _keep(self, state: tuple[int, int, int], why: str) -> Value:
        if state != self._seen:
            _LOGGER.error("%s: the file is ignored, what was known before stays: %s", self._what, why)
        self._seen = state
        return self._value


def _fingerprint(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_size
