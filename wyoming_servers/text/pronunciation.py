"""The household's pronunciation dictionary: how names and words of this house are to be said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from wyoming_servers.text.errors import PronunciationInvalid
from wyoming_servers.text.language import LanguageTag, parse_language
from wyoming_servers.text.scripts import HAN_RANGES, KANA_RANGES, is_cjk

_WORD: Final = f"[^\\W{HAN_RANGES}{KANA_RANGES}]"
"""A character that makes words longer; Chinese is written without spaces, so its characters do not."""


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """One entry: say `replacement` for `match`; only in `language` if given ("zh" covers "zh-TW" too)."""

    match: str
    replacement: str
    language: str | None = None
    whole_word: bool = True

    def __post_init__(self) -> None:
        """Raise PronunciationInvalid for a match that would match everywhere."""
        if not self.match.strip():
            raise PronunciationInvalid("An entry of the pronunciation dictionary matches nothing but blanks.")


@dataclass(frozen=True, slots=True)
class _Compiled:
    pattern: re.Pattern[str]
    replacements: tuple[str, ...]

    def apply(self, text: str) -> str:
        return self.pattern.sub(lambda match: self.replacements[(match.lastindex or 1) - 1], text)


class PronunciationDictionary:
    """An immutable snapshot of entries; to change it, make a new one and hand it to the next stream.

    Matching ignores case, goes once through the text (a replacement is not replaced again), and where several
    entries match at the same place the earlier one wins.
    """

    def __init__(self, entries: Iterable[Pronunciation] = ()) -> None:
        """Keep `entries` in their order."""
        self._entries = tuple(entries)
        self._compiled: dict[LanguageTag, _Compiled | None] = {}

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Pronunciation]:
        """Go through the entries in their order."""
        return iter(self._entries)

    def __eq__(self, other: object) -> bool:
        """Compare by entries."""
        return isinstance(other, PronunciationDictionary) and self._entries == other._entries

    def __hash__(self) -> int:
        """Hash by entries."""
        return hash(self._entries)

    def apply(self, text: str, language: str) -> str:
        """Return `text` with the entries for `language` applied."""
        tag = parse_language(language)
        if tag not in self._compiled:  # two threads may both do this, with the same result
            self._compiled[tag] = _compile([entry for entry in self._entries if _applies(entry, tag)])
        compiled = self._compiled[tag]
        return text if compiled is None else compiled.apply(text)


def _applies(entry: Pronunciation, tag: LanguageTag) -> bool:
    if entry.language is None:
        return True
    wanted = parse_language(entry.language)
    return (
        wanted.primary == tag.primary
        and wanted.script in ("", tag.script)
        and (not wanted.region or wanted.region == tag.region)
    )


def _compile(entries: list[Pronunciation]) -> _Compiled | None:
    if not entries:
        return None
    pattern = "|".join(f"({_pattern(entry)})" for entry in entries)
    return _Compiled(re.compile(pattern, re.IGNORECASE), tuple(entry.replacement for entry in entries))


def _pattern(entry: Pronunciation) -> str:
    pattern = r"\s+".join(map(re.escape, entry.match.split()))
    if not entry.whole_word:
        return pattern
    before = f"(?<!{_WORD})" if _is_word_char(entry.match.strip()[0]) else ""
    after = f"(?!{_WORD})" if _is_word_char(entry.match.strip()[-1]) else ""
    return before + pattern + after


def _is_word_char(char: str) -> bool:
    return char.isalnum() and not is_cjk(char)
