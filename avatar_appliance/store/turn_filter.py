"""Which turns to list: a filter as a value, and its translation into a WHERE clause."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from avatar_appliance.errors import BadRequest

from .turn import TurnStatus

_MAX_SEARCH_CHARS = 200
_MAX_SEARCH_WORDS = 8
_TRIGRAM_CHARS = 3  # the search index holds runs of three characters; it cannot find anything shorter


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFilter:
    """Turns that meet every condition given; None means "any".

    `language` also matches its regions (zh: zh-TW). `since` (included) and `until` (excluded) bound the
    start in epoch seconds. `text` is words, in any script, that must all occur in transcript or answer.
    """

    conversation_id: str | None = None
    satellite_id: str | None = None
    language: str | None = None
    status: TurnStatus | None = None
    since: float | None = None
    until: float | None = None
    text: str | None = None

    def where(self) -> tuple[list[str], list[object]]:
        """Return SQL conditions over `turns` and their parameters; raises BadRequest (search too long)."""
        conditions: list[str] = []
        parameters: list[object] = []
        for condition, value in (
            ("conversation_id = ?", self.conversation_id),
            ("satellite_id = ?", self.satellite_id),
            ("status = ?", self.status),
            ("started_at >= ?", self.since),
            ("started_at < ?", self.until),
        ):
            if value is not None:
                conditions.append(condition)
                parameters.append(value)
        if self.language is not None:
            conditions.append("(language = ? OR language LIKE ? ESCAPE '\\')")
            parameters += [self.language, f"{_like_literal(self.language)}-%"]
        if self.text is not None:
            _add_search(self.text, conditions, parameters)
        return conditions, parameters


def _add_search(text: str, conditions: list[str], parameters: list[object]) -> None:
    """Require each word of `text`: long ones through the index, those too short for it (客廳) by a scan."""
    if len(text) > _MAX_SEARCH_CHARS:
        raise BadRequest(f"a search has at most {_MAX_SEARCH_CHARS} characters")
    words = unicodedata.normalize("NFC", text.replace("\0", " ")).split()
    if len(words) > _MAX_SEARCH_WORDS:
        raise BadRequest(f"a search has at most {_MAX_SEARCH_WORDS} words")
    long_words = [word for word in words if len(word) >= _TRIGRAM_CHARS]
    if long_words:
        conditions.append("seq IN (SELECT rowid FROM turns_search WHERE turns_search MATCH ?)")
        parameters.append(" AND ".join('"{}"'.format(word.replace('"', '""')) for word in long_words))
    for word in words:
        if len(word) < _TRIGRAM_CHARS:
            conditions.append("(transcript LIKE ? ESCAPE '\\' OR answer LIKE ? ESCAPE '\\')")
            parameters += [f"%{_like_literal(word)}%"] * 2


def _like_literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
