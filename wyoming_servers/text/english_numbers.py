"""Numbers in English words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

DIGIT_WORDS: Final[Mapping[str, str]] = dict(
    zip(
        "0123456789",
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
        strict=True,
    )
)
MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_MAX_CARDINAL_DIGITS: Final = 15
_DENOMINATORS: Final[Mapping[int, tuple[str, str]]] = {2: ("half", "halves"), 4: ("quarter", "quarters")}


def digits(text: str) -> str:
    """Say the digits in `text` one by one: "007" is "zero zero seven"; other characters are skipped."""
    return " ".join(DIGIT_WORDS[char] for char in text if char in DIGIT_WORDS)


def number(text: str) -> str:
    """Say a number as written, "1,250.05" or ".5"; very long ones and those with leading zeros digit by digit."""
    whole, _, fraction = text.replace(",", "").partition(".")
    if len(whole) > _MAX_CARDINAL_DIGITS or (len(whole) > 1 and whole[0] == "0"):
        words = digits(whole)
    else:
        words = cardinal(int(whole)) if whole else "zero"
    return f"{words} point {digits(fraction)}" if fraction else words


@lru_cache(maxsize=2048)
def cardinal(value: int) -> str:
    """Say how many: 1250 is "one thousand two hundred and fifty"."""
    return _words(value, "cardinal")


@lru_cache(maxsize=512)
def ordinal(value: int) -> str:
    """Say which one: 22 is "twenty-second"."""
    return _words(value, "ordinal")


@lru_cache(maxsize=512)
def year(value: int) -> str:
    """Say a year: 1999 is "nineteen ninety-nine", 2026 "twenty twenty-six"."""
    return _words(value, "year")


def decade(value: int) -> str:
    """Say a decade: 1980 is "nineteen eighties", 90 "nineties"."""
    words = year(value) if value >= 1000 else cardinal(value)
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def fraction(numerator: int, denominator: int) -> str:
    """Say a fraction: 1/2 is "one half", 3/4 "three quarters", 7/100 "seven over one hundred"."""
    if not 1 < denominator <= 20:
        return f"{cardinal(numerator)} over {cardinal(denominator)}"
    one, many = _DENOMINATORS.get(denominator, (ordinal(denominator), ordinal(denominator) + "s"))
    return f"{cardinal(numerator)} {one if numerator == 1 else many}"


def _words(value: int, kind: str) -> str:
    from num2words import num2words  # brings the tables of all languages: loaded with the first number

    return str(num2words(value, to=kind)).replace(",", "")
