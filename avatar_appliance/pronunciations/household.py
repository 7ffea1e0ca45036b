"""The household's pronunciations, as their owner changes them; for the one process that writes the file."""

from __future__ import annotations

import threading
from pathlib import Path

from avatar_appliance.errors import NotFound

from .entry import Pronunciation
from .file import PronunciationFile


class HouseholdPronunciations:
    """List, set, remove; each change is on disk when the call returns. It blocks for that: call it in a thread."""

    def __init__(self, path: Path) -> None:
        self._file = PronunciationFile(path)
        self._lock = threading.Lock()

    def list(self) -> tuple[Pronunciation, ...]:
        """Return all entries, in the order they were first set."""
        with self._lock:
            return self._file.entries

    def set(self, entry: Pronunciation) -> bool:
        """Keep an entry in place of the former one for that word; return whether there was none.

        Raises PronunciationRefused where they are too many.
        """
        with self._lock:
            entries = list(self._file.entries)
            for index, former in enumerate(entries):
                if former.identity == entry.identity:
                    entries[index] = entry
                    self._file.write(entries)
                    return False
            self._file.write([*entries, entry])
            return True

    def remove(self, word: str, language: str | None) -> None:
        """Remove the entry for a word (of that language; None: the one for any); raises NotFound."""
        wanted = Pronunciation(word, word, language).identity
        with self._lock:
            entries = self._file.entries
            left = [entry for entry in entries if entry.identity != wanted]
            if len(left) == len(entries):
                raise NotFound("there is no such pronunciation")
            self._file.write(left)
