"""The pronunciations on disk: one JSON file, replaced as a whole, read anew whenever it changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from avatar_appliance.atomic_file import replace_atomically
from avatar_appliance.watched_file import WatchedFile

from .entry import Pronunciation, PronunciationRefused

MOST_ENTRIES: Final = 500
_FORMAT: Final = 1
_MOST_BYTES: Final = 2 * 1024 * 1024


def pronunciations_path(state_dir: Path) -> Path:
    """Return where the pronunciations of the appliance with this `paths.state_dir` lie."""
    return state_dir / "pronunciations.json"


class PronunciationFile:
    """The entries as the file says now. Looking costs one `stat` unless it changed."""

    def __init__(self, path: Path) -> None:
        """Watch the file at `path`, which need not exist yet."""
        self.path = path
        nothing: tuple[Pronunciation, ...] = ()
        self._file = WatchedFile(path, _read, nothing, what="the pronunciations", max_bytes=_MOST_BYTES)

    @property
    def entries(self) -> tuple[Pronunciation, ...]:
        """All entries, the same object until they change; the last good ones while the file is bad."""
        return self._file.value

    def write(self, entries: Iterable[Pronunciation]) -> None:
        """Replace all entries; a reader, or a power cut, sees the old file or the new one.

        Raises PronunciationRefused where they are too many, OSError where it cannot be written.
        """
        listed = tuple(entries)
        _check_count(listed)
        plain = [{"word": one.word, "say": one.say, "language": one.language} for one in listed]
        content = json.dumps({"format": _FORMAT, "entries": plain}, ensure_ascii=False, indent=1).encode()
        replace_atomically(self.path, content)


def _check_count(entries: tuple[Pronunciation, ...]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise PronunciationRefused(f"there are {MOST_ENTRIES} pronunciations already", hint="Remove some first.")
    if len({entry.identity for entry in entries}) != len(entries):
        raise PronunciationRefused("two entries are for the same word in the same language")


def _read(content: bytes) -> tuple[Pronunciation, ...]:
    try:
        return _parse(content)
    except PronunciationRefused as refused:
        raise ValueError(refused.text) from None


def _parse(content: bytes) -> tuple[Pronunciation, ...]:
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
