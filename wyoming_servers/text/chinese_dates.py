"""Dates and clock times in Chinese."""

from __future__ import annotations

import re
from typing import Final

from wyoming_servers.text.chinese_numbers import cardinal, digits, number
from wyoming_servers.text.number_rewriting import RewriteRule

HALF_DAY: Final = r"\s?(?P<half>[AaPp])(?:\.\s?[Mm]\.|\.?[Mm])(?![A-Za-z0-9])"
_FOLLOWED_BY_TIME: Final = r"\s?[-–—~至到]\s?(?=\d{1,2}(?::\d{2}|\s?[AaPp]\.?[Mm](?![A-Za-z])))"
_TO: Final = rf"(?P<to>{_FOLLOWED_BY_TIME})?"
_DATE_TO: Final = r"(?P<to>\s?[-–—~至]\s?(?=\d))?"
_TIME_OF_DAY: Final = re.compile(r"(?:上午|下午|早上|中午|晚上|傍晚|凌晨|清晨|半夜|今晚|明晚|昨晚|深夜)\s?$")
_DATE_BEFORE: Final = re.compile(r"(?:在|於|于|到|至|從|从|日期|今天|明天|昨天|是|期限|截止)\s?[:：]?$")
_DAY_AFTER: Final = re.compile(r"，星期|\s?(?:[^，。\s]{0,3}[節节]|生日|出[發发]|上午|早上|中午|下午|晚上|晚|凌晨)")
_PORTION_AFTER: Final = re.compile(r"\s?(?:的|杯|匙|湯匙|茶匙|以上|左右)")
_COMMON_DENOMINATORS: Final = frozenset({2, 3, 4, 8})
_VERSION_BEFORE: Final = re.compile(r"(?:版本|版|Assistant|HA|Core|ESPHome|[Vv]ersion)(?:是|為|:|：)?\s?$")
_YEARS: Final = range(1000, 2100)
_DURATION_AFTER: Final = re.compile(r"\s?(?:以前|以後|以后|以來|以来|前|後|后|間|间|內|内|來|来|的歷史|的历史)")


def date_rules() -> list[RewriteRule]:
    """Return the rules for dates."""
    return [
        RewriteRule(
            re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}})(?:(?P<time>T)(?=\d\d:)|(?![-/.]?\d)){_DATE_TO}"),
            _iso_date,
        ),
        RewriteRule(re.compile(r"(\d{4})-(0[1-9]|1[0-2])(?![\d-])"), _year_and_month),
        RewriteRule(re.compile(r"(\d{4})\s?[-–—~至到]\s?(\d{4})\s?年"), _years),
        RewriteRule(re.compile(r"(\d{4})\s?年"), _year),
        RewriteRule(
            re.compile(r"(?:(?<=西元)|(?<=公元)|(?<=西元\s)|(?<=公元\s))(\d{4})(?!\d)"),
            lambda m: digits(m[1]),
        ),
        RewriteRule(
            re.compile(r"((?:19|20)\d\d)(?=\s?(?:世界|奧運|世足|亞運|年度|新年|跨年|大選|總統|款|版))"),
            lambda m: digits(m[1]),
        ),
        RewriteRule(re.compile(r"(\d{1,2})\s?月(?:\s?(\d{1,2})\s?([日號号]))?"), _month_and_day_named),
        RewriteRule(re.compile(r"(\d{1,2})\s?([日號号])(?![碼码線线])"), lambda m: cardinal(int(m[1])) + m[2]),
        RewriteRule(re.compile(rf"(\d{{1,3}})/(\d{{1,4}})(?![/.]?\d){_DATE_TO}"), _slashed),
    ]


def time_rules() -> list[RewriteRule]:
    """Return the rules for clock times."""
    zone = r"(?:Z\b|[+-]\d{2}:?\d{2}(?!\d))?"
    clock = rf"(?P<hour>\d{{1,2}}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:\.\d{{1,9}})?{zone})?"
    return [
        RewriteRule(re.compile(r"(?:(\d{1,3})h\s?(?=\d))?(\d{1,3})m(?:\s?(\d{1,3})s)?(?![A-Za-z0-9])"), _duration),
        RewriteRule(re.compile(rf"{clock}(?:{HALF_DAY})?(?![:\d]){_TO}"), _clock_time),
        RewriteRule(re.compile(rf"(?P<hour>\d{{1,2}})(?P<minute>){HALF_DAY}(?P<second>){_TO}"), _clock_time),
        RewriteRule(
            re.compile(r"(\d{1,2})\s?([點点時时])(?:\s?(\d{1,2})\s?分(?!之|鐘|钟))?(?:\s?(\d{1,2})\s?秒)?"),
            _named_time,
        ),
    ]


def _iso_date(match: re.Match[str]) -> str | None:
    month, day = int(match[3]), int(match[4])
    before = match.string[max(0, match.start() - 12) : match.start()]
    if not _is_date(month, day) or (match[2] == "." and _VERSION_BEFORE.search(before)):
        return None
    after = "，" if match["time"] else "到" if match["to"] else ""
    return f"{digits(match[1])}年{cardinal(month)}月{cardinal(day)}日{after}"


def _year_and_month(match: re.Match[str]) -> str:
    return f"{digits(match[1])}年{cardinal(int(match[2]))}月"


def _years(match: re.Match[str]) -> str:
    return f"{digits(match[1])}到{digits(match[2])}年"


def _year(match: re.Match[str]) -> str | None:
    if int(match[1]) not in _YEARS or _DURATION_AFTER.match(match.string, match.end()):
        return None
    return f"{digits(match[1])}年"


def _month_and_day_named(match: re.Match[str]) -> str:
    day = f"{cardinal(int(match[2]))}{match[3]}" if match[2] else ""
    return f"{cardinal(int(match[1]))}月{day}"


def _slashed(match: re.Match[str]) -> str | None:
    """Tell a date without a year from a fraction."""
    first, second = int(match[1]), int(match[2])
    to = "到" if match["to"] else ""
    if (first, second) == (24, 7):
        return "全天候" + to
    if second == 0:
        return None
    named_as_date = (
        _DAY_AFTER.match(match.string, match.end())
        or _DATE_BEFORE.search(match.string[max(0, match.start() - 4) : match.start()])
        or to
    )
    is_fraction = first < second and (
        second in _COMMON_DENOMINATORS
        or (first == 1 and second <= 10)
        or _PORTION_AFTER.match(match.string, match.end()) is not None
    )
    if _is_date(first, second) and (named_as_date or not is_fraction):
        return f"{cardinal(first)}月{cardinal(second)}日{to}"
    return f"{cardinal(second)}分之{cardinal(first)}{to}"


def _clock_time(match: re.Match[str]) -> str | None:
    hour, minute = int(match["hour"]), match["minute"]
    if hour > 24 or (match["half"] and hour > 12):
        return None
    part = ""
    if match["half"] and not _TIME_OF_DAY.search(match.string[max(0, match.start() - 3) : match.start()]):
        part = _part_of_day(hour, is_afternoon=match["half"] in "pP")
    seconds = f"{_two_digits(match['second'])}秒" if match["second"] and int(match["second"]) else ""
    minutes = f"{_two_digits(minute)}分" if minute and (int(minute) or seconds) else ""
    return f"{part}{number(str(hour), counts=True)}點{minutes}{seconds}" + ("到" if match["to"] else "")


def _duration(match: re.Match[str]) -> str | None:
    """Say 12h 30m or 5m 30s; a lone 30m is a length."""
    if not (match[1] or match[3]):
        return None
    counted = zip(match.groups(), ("小時", "分鐘", "秒"), strict=True)
    return "".join(number(str(int(count)), counts=True) + unit for count, unit in counted if count)


def _named_time(match: re.Match[str]) -> str | None:
    hour = number(match[1], counts=True)
    minutes = f"{_as_written(match[3])}分" if match[3] else ""
    seconds = f"{_as_written(match[4])}秒" if match[4] else ""
    return f"{hour}{match[2]}{minutes}{seconds}"


def _part_of_day(hour: int, *, is_afternoon: bool) -> str:
    if not is_afternoon:
        return "凌晨" if hour == 12 or hour < 5 else "上午"
    if hour == 12:
        return "中午"
    return "下午" if hour < 6 else "晚上"


def _two_digits(text: str) -> str:
    """Say minutes or seconds of a clock: "05" is 零五, "00" is 零, "30" is 三十."""
    return cardinal(int(text)) if int(text) >= 10 or int(text) == 0 else "零" + cardinal(int(text))


def _as_written(text: str) -> str:
    return _two_digits(text) if text.startswith("0") else cardinal(int(text))


def _is_date(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31
