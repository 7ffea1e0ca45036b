"""Arabic digits in a Chinese text as they are said: 21 is 二十一, 30% is 百分之三十, 0912 is digit by digit."""

from __future__ import annotations

import re

_DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿")
_LONGEST = 4 * len(_GROUPS)
_NUMBER = re.compile(r"(\d+)(?:\.(\d+))?(%)?", re.ASCII)


def chinese_digits_spoken(text: str) -> str:
    """Return `text` with its numbers written in (Simplified) Chinese numerals."""
    return _NUMBER.sub(_spoken, text)


def _spoken(found: re.Match[str]) -> str:
    whole, fraction, percent = found.groups()
    spoken = _whole(whole)
    if fraction:
        spoken += "点" + _one_by_one(fraction)
    return f"百分之{spoken}" if percent else spoken


def _whole(digits: str) -> str:
    # A telephone number or a code is read digit by digit.
    if len(digits) > _LONGEST or (len(digits) > 1 and digits[0] == "0"):
        return _one_by_one(digits)
    if int(digits) == 0:
        return _DIGITS[0]
    spoken, gap = "", False
    for power in range(len(digits) - 1, -1, -1):
        digit = int(digits[len(digits) - 1 - power])
        group, place = divmod(power, 4)
        if digit:
            spoken += (_DIGITS[0] if gap and spoken else "") + _DIGITS[digit] + _PLACES[place]
            gap = False
        else:
            gap = True
        if place == 0 and int(digits[max(0, len(digits) - 4 - power) : len(digits) - power]):
            spoken += _GROUPS[group]
    return spoken.removeprefix("一") if spoken.startswith("一十") else spoken


def _one_by_one(digits: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in digits)
