"""What households write in short: weekdays and months in ranges, sizes, fractions of units, durations."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from wyoming_servers.text.english_numbers import MONTHS
from wyoming_servers.text.english_units import UNITS

_WEEKDAYS: Final = {
    "mon": "Monday", "tue": "Tuesday", "tues": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "thur": "Thursday",
    "thurs": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday",
}  # fmt: skip
_WINDS: Final = {"NW": "northwest", "NE": "northeast", "SW": "southwest", "SE": "southeast"}
_DAY: Final = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)"
_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
_DASH: Final = r"\s?[-–—]\s?"
_LENGTH: Final = r"(?:m|cm|mm|km|ft|in)"
_PARTS: Final = r"(?:tsp|tbsp|lbs?|oz|in|ft|mi|kg|km|L|gal)"


def _days(match: re.Match[str]) -> str:
    return f"{_WEEKDAYS[match[1].lower()]} to {_WEEKDAYS[match[2].lower()]}"


def _months(match: re.Match[str]) -> str:
    return f"{_month(match[1])} to {_month(match[2])}"


def _month(short: str) -> str:
    return next(name for name in MONTHS if name.startswith(short[:3]))


def _part_of_unit(match: re.Match[str]) -> str:
    """One and a half teaspoons, but one half teaspoon."""
    one, many = UNITS[match["unit"]]
    return f"{match['whole'] or ''}{match['part']} {many if match['whole'] else one}"


def _feet_and_inches(match: re.Match[str]) -> str:
    return f"{match[1]} {match[2]} {'inch' if match[2] == '1' else 'inches'}"


def _inches(match: re.Match[str]) -> str:
    # The end of something quoted, unless no quotation is open.
    is_open = match.string[max(0, match.start() - 80) : match.start()].count('"') % 2
    return match[0] if is_open else f"{match[1]} inches"


_RULES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (rf"\b({_DAY})\.?{_DASH}({_DAY})\b(?:\.(?=\s\S))?", _days),
        (rf"(?<![Tt]he )\b({_DAY})(?=,\s(?:\d|{_MONTH}))", lambda match: _WEEKDAYS[match[1].lower()]),
        (rf"\b({_MONTH})\.?{_DASH}({_MONTH})\b(?:\.(?=\s\S))?", _months),
        (
            rf"(?P<whole>\b\d{{1,3}}\s)?(?<![\d/])(?P<part>\d{{1,2}}/\d{{1,2}})\s?(?P<unit>{_PARTS})(?![\w/])",
            _part_of_unit,
        ),
        (r"\b(\d{1,3}\s?(?:ft|feet|foot))\s(\d{1,2})\s?in(?!\w)", _feet_and_inches),
        (rf"(\d\s?{_LENGTH})\s?[x×]\s?(?=\d)", r"\1 by "),
        (r"\b(\d{1,2})h([0-5]\d)(?!\w)", r"\1h \2m"),
        (r"(?<![\d.'])(\d{2,3})\"(?!\w)(?!\s(?:TV|tv|screen|monitor|display|panel))", _inches),
        (r"(?<=the )(?:NW|NE|SW|SE)\b|(?<=from )(?:NW|NE|SW|SE)\b", lambda match: _WINDS[match[0]]),
        (r"(?<![\w.<])[Ww]/(?=\s)", "with"),
        (r"(?<![\w)%<])<(?=[\d$€£-])", "less than "),
        (r"(?<![\w)%>=-])>(?=[\d$€£-])", "more than "),
    )
)  # fmt: skip


def expand_shorthand(text: str) -> str:
    """Write it out as far as numbers can be read then; to be done before numbers are rewritten."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
