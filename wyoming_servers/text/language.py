"""Languages as tags such as `en-US` or `zh_TW`, and what the script of a text says about its language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from wyoming_servers.text.chinese_script import chinese_variant
from wyoming_servers.text.scripts import HAN_RANGES, HANGUL_RANGES, KANA_RANGES, LATIN_RANGES

Script = Literal["latin", "han", "other"]

_SAME_AS: Final[Mapping[str, str]] = {"cmn": "zh", "eng": "en", "zho": "zh", "chi": "zh"}
_SIMPLIFIED_REGIONS: Final = frozenset({"CN", "SG", "MY"})
_HAN_CHARS_PER_WORD: Final = 1.7

_HAN: Final = re.compile(f"[{HAN_RANGES}]")
_LATIN_WORD: Final = re.compile(f"[{LATIN_RANGES}]++")
_OTHER_SCRIPTS: Final[Mapping[str, re.Pattern[str]]] = {
    "kana": re.compile(f"[{KANA_RANGES}]"),
    "hangul": re.compile(f"[{HANGUL_RANGES}]"),
    "cyrillic": re.compile("[\u0400-\u052f]"),
    "greek": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "arabic": re.compile("[\u0620-\u06ff]"),
    "hebrew": re.compile("[\u05d0-\u05ea]"),
    "devanagari": re.compile("[\u0900-\u097f]"),
    "thai": re.compile("[\u0e00-\u0e7f]"),
}
_LANGUAGE_SCRIPT: Final[Mapping[str, str]] = {
    "zh": "han", "yue": "han", "ja": "kana", "ko": "hangul", "el": "greek", "he": "hebrew", "th": "thai",
    **dict.fromkeys(("ru", "uk", "bg", "sr", "be", "mk", "kk", "mn"), "cyrillic"),
    **dict.fromkeys(("ar", "fa", "ur"), "arabic"),
    **dict.fromkeys(("hi", "mr", "ne"), "devanagari"),
}  # fmt: skip
"""The scripts of languages not written in Latin letters."""


@dataclass(frozen=True, slots=True)
class LanguageTag:
    """A language tag in parts: `zh_hant_tw` is primary "zh", script "Hant", region "TW"."""

    primary: str
    script: str = ""
    region: str = ""

    @property
    def is_simplified_chinese(self) -> bool:
        """Whether this is Chinese to be written in Simplified characters."""
        if self.primary != "zh":
            return False
        return self.script == "Hans" or (not self.script and self.region in _SIMPLIFIED_REGIONS)


@lru_cache(maxsize=256)
def parse_language(tag: str) -> LanguageTag:
    """Read a tag such as "en", "en_US", "zh-Hant-TW"; what it does not say is empty. Never raises."""
    primary, *rest = tag.strip().replace("_", "-").split("-")
    script = next((part.title() for part in rest if len(part) == 4 and part.isalpha()), "")
    region = next((part.upper() for part in rest if len(part) == 2 and part.isalpha()), "")
    return LanguageTag(_SAME_AS.get(primary.lower(), primary.lower()), script, region)


def script_of(text: str) -> Script:
    """Return the script most of `text` is in; "other" also where there are no letters."""
    script = _main_script(text)
    if script == "latin":
        return "latin"
    return "han" if script == "han" else "other"


def detect_language(text: str, candidates: Sequence[str]) -> str | None:
    """Return the candidate that the script of `text` points to, the earlier one if several fit; None if none does.

    Chinese candidates are told apart by characters that only Simplified or only Traditional Chinese uses.
    """
    script = _main_script(text)
    if script is None:
        return None
    fitting = [tag for tag in candidates if _LANGUAGE_SCRIPT.get(parse_language(tag).primary, "latin") == script]
    if script == "han" and (variant := chinese_variant(text)) is not None:
        simplified = variant == "simplified"
        same_variant = [tag for tag in fitting if parse_language(tag).is_simplified_chinese == simplified]
        fitting = same_variant or fitting
    return fitting[0] if fitting else None


def piece_language(text: str, requested: str) -> str:
    """Return the language to read the numbers of `text` in: the one requested unless the script clearly says other.

    Only between English and Chinese is there anything to tell; any other requested language stays.
    """
    primary = parse_language(requested).primary
    if primary not in ("en", "zh"):
        return requested
    chinese_words = len(_HAN.findall(text)) / _HAN_CHARS_PER_WORD
    english_words = sum(len(word) > 1 for word in _LATIN_WORD.findall(text))
    if primary == "en":
        if chinese_words <= max(1.0, english_words):
            return requested
        return "zh-CN" if chinese_variant(text) == "simplified" else "zh"
    return "en" if english_words >= 3 and english_words > 3 * chinese_words else requested


def _main_script(text: str) -> str | None:
    """Return the script with the most words; kana decide for Japanese, whose texts are full of Han."""
    counts: dict[str, float] = {name: len(pattern.findall(text)) / 3 for name, pattern in _OTHER_SCRIPTS.items()}
    counts["han"] = len(_HAN.findall(text)) / _HAN_CHARS_PER_WORD
    counts["latin"] = len(_LATIN_WORD.findall(text))
    if counts["kana"] * 3 > counts["han"]:
        counts["kana"] += counts["han"]
        counts["han"] = 0
    script = max(counts, key=lambda name: counts[name])
    return script if counts[script] > 0 else None
