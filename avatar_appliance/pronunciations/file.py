"""The pronunciations on disk: one JSON file, replaced as a whole, read anew whenever it changed."""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from .entry import Pronunciation, PronunciationRefused

_LOGGER = logging.getLogger(__name__)

MOST_ENTRIES: Final = 500
_FORMAT: Final = 1
_MOST_BYTES: Final = 2 * 1024 * 1024
_UNREADABLE: Final = (-1, -1, -1)


def pronunciations_path(state_dir: Path) -> Path:
    """Return where the pronunciations of the appliance with this `paths.state_dir` lie."""
    return state_dir / "pronunciations.json"


class PronunciationFile:
    """The entries as the file says now. Looking costs one `stat` unless it changed."""

    def __init__(self, path: Path) -> None:
        """Watch the file at `path`, which need not exist yet."""
        self.path = path
        self._entries: tuple[Pronunciation, ...] = ()
        self._seen: tuple[int, int, int] | None = None

    @property
    def entries(self) -> tuple[Pronunciation, ...]:
        """All entries, the same object until they change; the last good ones while the file is bad."""
        try:
            state = _fingerprint(os.stat(self.path))
            if state == self._seen:
                return self._entries
            with self.path.open("rb") as file:
                # Of the file that is read: it may have been replaced after the look at the path.
                state = _fingerprint(os.fstat(file.fileno()))
                content = file.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            self._seen, self._entries = None, ()
            return ()
        except OSError as error:
            return self._keep(_UNREADABLE, f"it cannot be read ({error.strerror})")
        try:
            entries = _parse(content)
        except PronunciationRefused as error:
            return self._keep(state, error.text)
        except (ValueError, RecursionError):
            return self._keep(state, "it is not JSON")
        self._seen, self._entries = state, entries
        return entries

    def write(self, entries: Iterable[Pronunciation]) -> None:
        """Replace all entries; a reader, or a power cut, sees the old file or the new one.

        Raises PronunciationRefused where they are too many, OSError where it cannot be written.
        """
        listed = tuple(entries)
        _check_count(listed)
        plain = [{"word": one.word, "say": one.say, "language": one.language} for one in listed]
        content = json.dumps({"format": _FORMAT, "entries": plain}, ensure_ascii=False, indent=1).encode()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.path.with_name(f".{self.path.name}-{secrets.token_hex(4)}.part")
        try:
            descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise

    def _keep(self, state: tuple[int, int, int], why: str) -> tuple[Pronunciation, ...]:
        if state != self._seen:
            _LOGGER.error("the pronunciations are ignored, those known before stay: %s", why)
        self._seen = state
        return self._entries


def _fingerprint(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_size


def _check_count(entries: tuple[Pronunciation, ...]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise PronunciationRefused(f"there are {MOST_ENTRIES} pronunciations already", hint="Remove some first.")
    if len({entry.identity for entry in entries}) != len(entries):
        raise PronunciationRefused("two entries are for the same word in the same language")


def _parse(content: bytes) -> tuple[Pronunciation, ...]:
    if len(content) > _MOST_BYTES:
        raise PronunciationRefused("it is too large")
    document: Any = json.loads(content)
    listed = document.get("entries") if isinstance(document, Mapping) and document.get("format") == _FORMAT else None
    if not isinstance(listed, list) or not all(isinstance(item, Mapping) for item in listed):
        raise PronunciationRefused("it has another format")
    entries = tuple(map(_entry, listed))
    _check_count(entries)
    return entries


def _entry(item: Mapping[str, Any]) -> Pronunciation:
    word, say, language = item.get("word"), item.get("say"), item.get("language")
    if not isinstance(word, str) or not isinstance(say, str) or not isinstance(language, str | None):
        raise PronunciationRefused("an entry has another format")
    return Pronunciation(word, say, language)
