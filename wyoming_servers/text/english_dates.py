"""Dates, clock times and years in English."""

from __future__ import annotations

import re
from typing import Final

from wyoming_servers.text.english_numbers import MONTHS, cardinal, fraction, ordinal, year
from wyoming_servers.text.number_rewriting import RewriteRule

MONTH: Final = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|"
    r"Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
HALF_DAY: Final = r"\s?(?P<half>[AaPp])(?:\.\s?[Mm]\.(?=[,;:)]|\s+[^\sA-Z])|\.?[Mm])(?![A-Za-z0-9])"
"""am, PM, a.m.; the full stop of a sentence that ends with it is left in place."""
_FOLLOWED_BY_TIME: Final = r"\s?[-–—~]\s?(?=\d{1,2}(?::\d{2}|\s?[AaPp]\.?[Mm](?![A-Za-z])))"
_TO: Final = rf"(?P<to>{_FOLLOWED_BY_TIME})?"

_DATE_BEFORE: Final = re.compile(r"\b(?:on|by|until|till|since|from|before|after|due|dated?|day)\s$", re.IGNORECASE)
_YEAR_BEFORE: Final = re.compile(
    r"\b(?:till|by|from|of|before|after|around|late|mid|between|and|to|through|spring|summer|fall|autumn|winter)[\s-]$",
    re.IGNORECASE,
)
_SURELY_YEAR_BEFORE: Final = re.compile(r"\b(?:in|since|until|years?|during|circa|early)[\s-]$", re.IGNORECASE)
_NOUN_AFTER: Final = re.compile(
    r"\s(?!(?:a|an|and|or|as|at|but|by|for|from|had|has|he|if|in|is|it|of|on|she|so|that|the|there|they|this|to|until|"
    r"was|we|were|when|which|while|will|with|would|you|edition|season|election|census|model|version)\b)[a-z]"
)
_YEARS: Final = range(1000, 2100)
_RECENT_YEARS: Final = range(1900, 2100)


def looks_like_year(match: re.Match[str], digits: str) -> bool:
    """Say whether the four `digits` that `match` ends with are a year rather than an amount."""
    if len(digits) != 4 or not digits.isdecimal() or int(digits) not in _YEARS:
        return False
    before = match.string[max(0, match.start() - 12) : match.start()]
    is_recent = int(digits) in _RECENT_YEARS
    if _NOUN_AFTER.match(match.string, match.end()):
        return is_recent and _SURELY_YEAR_BEFORE.search(before) is not None
    return is_recent or (_SURELY_YEAR_BEFORE.search(before) or _YEAR_BEFORE.search(before)) is not None


def date_rules(*, day_first: bool) -> list[RewriteRule]:
    """Return the rules for dates; `day_first`: 4/7 is the fourth of July."""

    def month_and_day(match: re.Match[str]) -> str | None:
        return _month_and_day(match, day_first=day_first)

    def numeric_date(match: re.Match[str]) -> str | None:
        first, second, last = int(match[1]), int(match[2]), match[3]
        month, day = _ordered(first, second, day_first=day_first)
        full_year = int(last) if len(last) == 4 else 2000 + int(last)
        return _date(full_year, month, day)

    return [
        RewriteRule(re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?P<time>T(?=\d\d:)|(?![-/.]?\d))"), _iso_date),
        RewriteRule(re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4}|\d{2})(?![/.]?\d)"), numeric_date),
        RewriteRule(re.compile(r"(\d{4})-(0[1-9]|1[0-2])(?![\d-])"), _year_and_month),
        RewriteRule(re.compile(r"(\d{1,3})/(\d{1,4})(?![/.]?\d)"), month_and_day),
        RewriteRule(
            re.compile(
                MONTH + r"\s(\d{1,2})(?:st|nd|rd|th)?(?![\d%°/]|[.,:]\d)"
                r"(?:[-–—](?P<last>\d{1,2})(?:st|nd|rd|th)?(?![\d%°/]|[.:]\d))?(?:,?\s(?P<year>\d{4})(?!:?\d))?"
            ),
            _named_month,
        ),
        RewriteRule(re.compile(MONTH + r",?\s(\d{4})(?!:?\d)"), _month_of_year),
        RewriteRule(
            re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\s(?:of\s)?" + MONTH + r"(?:,?\s(\d{4})(?!:?\d))?"),
            _day_of_month,
        ),
    ]


def time_rules() -> list[RewriteRule]:
    """Return the rules for clock times."""
    zone = r"(?:Z\b|[+-]\d{2}:?\d{2}(?!\d))?"  # as machines write it; a person asks in the house's own
    seconds = rf"(?::(?P<second>[0-5]\d)(?:\.\d{{1,9}})?{zone})?"
    clock = rf"(?P<hour>\d{{1,2}}):(?P<minute>[0-5]\d){seconds}"
    return [
        RewriteRule(re.compile(rf"{clock}(?:{HALF_DAY})?(?![:\d]){_TO}"), _clock_time),
        RewriteRule(re.compile(rf"(?P<hour>\d{{1,2}}){HALF_DAY}{_TO}"), _full_hour),
        RewriteRule(
            re.compile(
                r"(?:(?P<hours>\d{1,3})h\s?(?=\d))?(?:(?P<minutes>\d{1,3})m)(?:\s?(?P<seconds>\d{1,3})s)?(?!\w)"
            ),
            _duration,
        ),
        RewriteRule(re.compile(rf"(?P<hour>\d{{1,2}}){_FOLLOWED_BY_TIME}(?=\d{{1,2}}(?::\d\d)?\s?[AaPp])"), _open_hour),
    ]


def _iso_date(match: re.Match[str]) -> str | None:
    date = _date(int(match[1]), int(match[3]), int(match[4]))
    return f"{date}, " if date and match["time"] else date


def _year_and_month(match: re.Match[str]) -> str:
    return f"{MONTHS[int(match[2]) - 1]} {year(int(match[1]))}"


def _month_and_day(match: re.Match[str], *, day_first: bool) -> str | None:
    """Tell a date without a year from a fraction and from a score."""
    first, second = int(match[1]), int(match[2])
    if (first, second) == (24, 7):
        return "twenty-four seven"
    if second == 0:
        return None
    month, day = _ordered(first, second, day_first=day_first)
    is_date = 1 <= month <= 12 and 1 <= day <= 31
    named_as_date = _DATE_BEFORE.search(match.string[max(0, match.start() - 8) : match.start()]) is not None
    if is_date and (named_as_date or second > 10 or first > second):
        return f"{MONTHS[month - 1]} {ordinal(day)}"
    if first == second == 50:
        return "fifty fifty"
    if first == second or (second in (10, 100) and first <= second):
        return f"{cardinal(first)} out of {cardinal(second)}"
    return fraction(first, second)


def _named_month(match: re.Match[str]) -> str | None:
    day = int(match[2])
    if not 1 <= day <= 31:
        return None
    last = f" to {ordinal(int(match['last']))}" if match["last"] else ""
    spoken = f"{_full_month(match)} {ordinal(day)}{last}"
    return f"{spoken}, {year(int(match['year']))}" if match["year"] else spoken


def _month_of_year(match: re.Match[str]) -> str | None:
    return f"{_full_month(match)} {year(int(match[2]))}" if int(match[2]) in _YEARS else None


def _day_of_month(match: re.Match[str]) -> str | None:
    day = int(match[1])
    if not 1 <= day <= 31:
        return None
    article = "" if match.string[max(0, match.start() - 4) : match.start()].lower() == "the " else "the "
    spoken = f"{article}{ordinal(day)} of {_full_month(match)}"
    return f"{spoken} {year(int(match[3]))}" if match[3] else spoken


def _clock_time(match: re.Match[str]) -> str | None:
    hour, minute, half = int(match["hour"]), int(match["minute"]), match["half"]
    if hour > 24 or (half and hour > 12):
        return None
    to = " to " if match["to"] else ""
    if not half and hour in (0, 24) and minute == 0:
        return "midnight" + to
    seconds = int(match["second"] or 0)
    tail = f" and {cardinal(seconds)} second{'' if seconds == 1 else 's'}" if seconds else ""
    if not half and 1 <= hour <= 12:
        minutes = _minutes(minute) if minute else ("" if tail else " o'clock")
        return cardinal(hour) + minutes + tail + to
    afternoon = half in ("p", "P") if half else 12 <= hour < 24
    return f"{cardinal(hour % 12 or 12)}{_minutes(minute)} {'PM' if afternoon else 'AM'}{tail}{to}"


def _duration(match: re.Match[str]) -> str | None:
    """Say 12h 30m or 5m 30s; a lone 30m is a length."""
    if not (match["hours"] or match["seconds"]):
        return None
    parts = [(unit, match[f"{unit}s"]) for unit in ("hour", "minute", "second") if match[f"{unit}s"]]
    return " ".join(f"{cardinal(int(count))} {unit}{'' if int(count) == 1 else 's'}" for unit, count in parts)


def _full_hour(match: re.Match[str]) -> str | None:
    if int(match["hour"]) > 24:
        return None
    to = " to " if match["to"] else ""
    return f"{cardinal(int(match['hour']))} {'PM' if match['half'] in 'pP' else 'AM'}{to}"


def _open_hour(match: re.Match[str]) -> str:
    return f"{cardinal(int(match['hour']))} to "


def _minutes(minute: int) -> str:
    if minute == 0:
        return ""
    return f" oh {cardinal(minute)}" if minute < 10 else f" {cardinal(minute)}"


def _ordered(first: int, second: int, *, day_first: bool) -> tuple[int, int]:
    """Return month and day; an impossible month is a day."""
    if (day_first and second <= 12) or first > 12:
        return second, first
    return first, second


def _date(full_year: int, month: int, day: int) -> str | None:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{MONTHS[month - 1]} {ordinal(day)}, {year(full_year)}"


def _full_month(match: re.Match[str]) -> str:
    return next(name for name in MONTHS if name.startswith(match["month"][:3]))
