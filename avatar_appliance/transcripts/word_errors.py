"""Word error rate (character error rate for Chinese) of a transcript, after both sides were written alike.

Numbers count as what is spoken, so "21" is "twenty-one"; case, punctuation and hyphens count nothing. In Chinese,
Traditional and Simplified count as the same: what is measured is the hearing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import jiwer
import num2words

from .chinese_numbers import chinese_digits_spoken

if TYPE_CHECKING:
    from opencc import OpenCC

Metric = Literal["wer", "cer"]

_ABBREVIATIONS = {"mr": "mister", "mrs": "missus", "dr": "doctor", "vs": "versus", "ok": "okay"}
_SIGNS = {"%": " percent ", "&": " and ", "+": " plus ", "°": " degrees "}
_NUMBER = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(st|nd|rd|th)?(?!\w)")
# Of these, four digits are read as a year: 1999 is "nineteen ninety-nine", 2005 "two thousand and five" either way.
_YEARS = range(1100, 2000)
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """Errors of a transcript against its reference, in words (wer) or characters (cer)."""

    metric: Metric
    errors: int
    length: int
    """Words or characters of the reference."""


def count_errors(reference: str, heard: str, language: str | None) -> ErrorCount:
    """Return the fewest substitutions, deletions and insertions; raises ValueError for a reference without words."""
    metric = metric_for(language, reference)
    expected, got = (normalise(text, language, metric) for text in (reference, heard))
    if not expected:
        raise ValueError("the reference has no words")
    outcome = jiwer.process_characters(expected, got) if metric == "cer" else jiwer.process_words(expected, got)
    errors = outcome.substitutions + outcome.deletions + outcome.insertions
    return ErrorCount(metric, errors, outcome.hits + outcome.substitutions + outcome.deletions)


def metric_for(language: str | None, reference: str) -> Metric:
    """Return `cer` for Chinese, by the language tag, or without one by the reference's characters."""
    if language:
        return "cer" if _bare(language) in ("zh", "yue", "cmn") else "wer"
    return "cer" if _HAN.search(reference) else "wer"


def normalise(text: str, language: str | None, metric: Metric) -> str:
    """Return the text as it is compared."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return _chinese(text) if metric == "cer" else _words(text, _bare(language or "en"))


def _chinese(text: str) -> str:
    text = _converter().convert(chinese_digits_spoken(text))
    text = text.replace("两", "二").replace("〇", "零")
    return "".join(char for char in text if char.isalnum())


def _words(text: str, language: str) -> str:
    if language == "en":
        for sign, word in _SIGNS.items():
            text = text.replace(sign, word)
    text = _NUMBER.sub(lambda found: f" {_spoken(found, language)} ", text)
    text = re.sub(r"(?<=\w)'(?=\w)", "\0", text)  # the apostrophe of "don't" is part of the word
    words = re.sub(r"[^\w\0]|_", " ", text).replace("\0", "'").split()
    if language == "en":
        words = [_ABBREVIATIONS.get(word, word) for word in words]
    return " ".join(words)


def _spoken(found: re.Match[str], language: str) -> str:
    whole, fraction, ordinal = found.groups()
    plain = whole.replace(",", "")
    kind = "cardinal"
    if ordinal:
        kind = "ordinal"
    elif len(whole) == 4 and not fraction and int(whole) in _YEARS:
        kind = "year"
    try:
        number = float(plain + fraction) if fraction else int(plain)
        return str(num2words.num2words(number, lang=language, to=kind)).replace("-", " ")
    except (NotImplementedError, OverflowError, ValueError):
        return found.group()  # a language without a reader, or a number nobody says


def _bare(language: str) -> str:
    return re.split("[-_]", language)[0].lower()


@cache
def _converter() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("t2s")
