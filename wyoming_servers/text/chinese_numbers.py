"""Numbers in Chinese words, as said in Taiwan.

No library: the usual converters write 二百 and 一十, know nothing of 兩 and only Simplified characters; repairing their
output would take more than these lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

DIGIT_WORDS: Final[Mapping[str, str]] = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_DIGITS: Final = "零一二三四五六七八九"
_PLACES: Final = ("", "十", "百", "千")
_MYRIADS: Final = ("", "萬", "億", "兆")
_MAX_CARDINAL_DIGITS: Final = 16
_TWO: Final = "兩"


def digits(text: str) -> str:
    """Say the digits in `text` one by one: "007" is 零零七; other characters are skipped."""
    return "".join(DIGIT_WORDS[char] for char in text if char in DIGIT_WORDS)


def number(text: str, *, counts: bool = False) -> str:
    """Say a number as written, "1,250.05" or ".5"; `counts`: something is counted or measured, so 2 is 兩.

    Very long numbers and those with leading zeros are said digit by digit.
    """
    whole, _, fraction = text.replace(",", "").partition(".")
    if len(whole) > _MAX_CARDINAL_DIGITS or (len(whole) > 1 and whole[0] == "0"):
        words = digits(whole)
    elif counts and whole == "2" and not fraction:
        words = _TWO
    else:
        words = cardinal(int(whole or "0"))
    return f"{words}點{digits(fraction)}" if fraction else words


def trimmed(text: str) -> str:
    """Return a decimal number without zeros at its end: "5.50" is "5.5", "20.00" is "20"."""
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=2048)
def cardinal(value: int) -> str:
    """Say a whole number from 0 to below 10**16: 1200 is 一千兩百, 12 is 十二, 10010 is 一萬零一十."""
    if value == 0:
        return "零"
    parts: list[str] = []
    skipped = False  # a place between two spoken ones was zero: say 零 once
    for index in range(len(_MYRIADS) - 1, -1, -1):
        section = value // 10_000**index % 10_000
        if section == 0:
            skipped = skipped or bool(parts)
            continue
        if parts and (skipped or section < 1000):
            parts.append("零")
        parts.append(_TWO if section == 2 and index else _section(section))
        parts.append(_MYRIADS[index])
        skipped = False
    words = "".join(parts)
    return words.removeprefix("一") if words.startswith("一十") else words


def _section(value: int) -> str:
    """Say 1 to 9999; 二 becomes 兩 before 百 and 千."""
    words = ""
    skipped = False
    for place in (3, 2, 1, 0):
        digit = value // 10**place % 10
        if digit == 0:
            skipped = skipped or bool(words)
            continue
        words += ("零" if skipped else "") + (_TWO if digit == 2 and place >= 2 else _DIGITS[digit]) + _PLACES[place]
        skipped = False
    return words
