"""The household's pronunciations as the text layer takes them, always those of now."""

from __future__ import annotations

import logging

from avatar_appliance.pronunciations import Pronunciation as Entry
from avatar_appliance.pronunciations import PronunciationFile
from wyoming_servers.text import Pronunciation, PronunciationDictionary

_LOGGER = logging.getLogger(__name__)


class HouseholdWords:
    """Reads the file anew when it changed, so that the next answer is spoken by it."""

    def __init__(self, file: PronunciationFile) -> None:
        self._file = file
        self._read: tuple[Entry, ...] = ()
        self._dictionary = PronunciationDictionary()

    def current(self) -> PronunciationDictionary:
        """Return the dictionary for a text that begins now."""
        entries = self._file.entries
        if entries is not self._read:
            self._read = entries
            # The longer match first: "Living Room TV" must not be taken apart by an entry for "Room".
            longest_first = sorted(entries, key=lambda entry: -len(entry.word))
            self._dictionary = PronunciationDictionary(
                Pronunciation(entry.word, entry.say, entry.language) for entry in longest_first
            )
            _LOGGER.info("%d pronunciations of the household", len(entries))
        return self._dictionary
