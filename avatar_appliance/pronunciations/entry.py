"""The noun: one word and how it is to be said."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from avatar_appliance.errors import AvatarError

MOST_WORD_CHARS: Final = 80
MOST_SAY_CHARS: Final = 200
_TAG: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


class PronunciationRefused(AvatarError):
    """A pronunciation that cannot be kept."""

    code = "pronunciation-refused"
    default_hint = "Give a word, how to say it in ordinary letters, and, if it is for one language only, its tag."
    http_status = 422


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """Say `say` for `word`, in texts of `language` ("zh" covers "zh-TW" too), or of any where that is None.

    Raises PronunciationRefused for what can be no entry; the words themselves are in no error text.
    """

    word: str = field(repr=False)
    say: str = field(repr=False)
    language: str | None = None

    def __post_init__(self) -> None:
        for name, value, most in (("word", self.word, MOST_WORD_CHARS), ("say", self.say, MOST_SAY_CHARS)):
            if not any(map(str.isalnum, value)):
                raise PronunciationRefused(f"`{name}` has no letter and no digit")
            if len(value) > most:
                raise PronunciationRefused(f"`{name}` is longer than {most} characters")
            if not value.isprintable() or value != value.strip():
                raise PronunciationRefused(f"`{name}` has blanks around it, or characters that cannot be shown")
        language = self.language
        if language is not None and (len(language) > 35 or not _TAG.fullmatch(language)):
            raise PronunciationRefused("`language` is no language tag such as en or zh-TW")

    @property
    def identity(self) -> tuple[str, str]:
        """Equal for two entries of which only one can hold: case does not count."""
        return " ".join(self.word.casefold().split()), (self.language or "").lower()
