"""English: numbers, units, money, dates and signs as words."""

from __future__ import annotations

import re
from typing import Final

from wyoming_servers.text.english_dates import date_rules, looks_like_year, time_rules
from wyoming_servers.text.english_numbers import (
    DIGIT_WORDS,
    cardinal,
    decade,
    digits,
    fraction,
    number,
    ordinal,
    year,
)
from wyoming_servers.text.english_shorthand import expand_shorthand
from wyoming_servers.text.english_signs import expand_signs, expand_words
from wyoming_servers.text.english_units import ATTACHED_ONLY, CURRENCIES, MAGNITUDES, UNITS
from wyoming_servers.text.language import LanguageTag
from wyoming_servers.text.number_rewriting import (
    NO_LETTER_BEFORE,
    NUMBER,
    NumberRewriter,
    RewriteRule,
    only_after,
    rule,
)
from wyoming_servers.text.punctuation import only_words
from wyoming_servers.text.telephone import telephone_rules
from wyoming_servers.text.unicode_folding import fold

_DAY_FIRST_REGIONS: Final = frozenset({"GB", "IE", "AU", "NZ", "IN", "ZA", "SG", "HK"})

_NO_LETTER_BUT_T: Final = r"(?<![A-SU-Za-z])"  # 2026-11-22T10:30
_UNIT: Final = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_UNIT_END: Final = r"(?:(?<=[°%‰])(?![CF]\b)|(?<![°%‰])(?![\w^²³]))(?:\.(?=\s[a-z]))?"
_UNIT_SPACED: Final = rf"(?P<space>[\s-]?)(?P<unit>{_UNIT}){_UNIT_END}"
_CURRENCY_SIGN: Final = r"(?P<sign>(?:US|NT|HK|[ACS])?\$|[€£¥₩₹฿₫₽]|(?:USD|NTD|TWD|HKD|EUR|GBP|JPY|CNY|RMB|KRW|CHF)\b)"
_TO: Final = r"(?P<to>\s?[–—~-]\s?(?=(?:(?:US|NT|HK)?\$|[€£¥-])?\d))?"
_MAGNITUDE: Final = r"(?:(?P<short>k|K|M|m|bn|B|T)\b|\s(?P<long>thousand|million|billion|trillion)\b)?"
_POWERS: Final = {"2": "squared", "3": "cubed"}
_DECADE_BEFORE: Final = re.compile(r"(?:\b(?:the|her|his|their|my|your|our|early|mid|late)[\s-]|')$", re.IGNORECASE)
_DIAL_BEFORE: Final = re.compile(
    r"\b(?:(?:call|dial|phone|ring|text)(?:ing|ed)?|(?:PIN|code|passcode|password|ID|zip|extension)(?:\sis|:)?)\s$",
    re.IGNORECASE,
)
_VERSION_BEFORE: Final = re.compile(r"\b(?:[Vv]ersion|Assistant|HA|Core|OS|ESPHome|Supervisor)\s$")
_BETWEEN_BEFORE: Final = re.compile(r"\b[Bb]etween\s$")
_EQUATION_AFTER: Final = re.compile(r"\s?=")


def _to_or_and(match: re.Match[str]) -> str:
    """Return what to say for the dash of a range: "between 5-10" is "between five and ten"."""
    return "and" if _BETWEEN_BEFORE.search(match.string[max(0, match.start() - 9) : match.start()]) else "to"


def _dialled(match: re.Match[str]) -> str | None:
    before = match.string[max(0, match.start() - 14) : match.start()]
    return digits(match[0]) if _DIAL_BEFORE.search(before) else None


def _dotted(match: re.Match[str]) -> str | None:
    parts = match["parts"].split(".")
    if len(parts) == 4 and all(int(part) <= 255 for part in parts) and not match["v"]:
        return " dot ".join(map(digits, parts))
    is_named = _VERSION_BEFORE.search(match.string[max(0, match.start() - 12) : match.start()])
    if len(parts) == 2 and not (is_named or match["v"]):  # a decimal number
        return None
    first = year(int(parts[0])) if len(parts[0]) == 4 and parts[0] != "0000" else number(parts[0])
    return ("version " if match["v"] and not is_named else "") + " point ".join([first, *map(number, parts[1:])])


def _money(match: re.Match[str]) -> str:
    one, many, hundredth, hundredths = CURRENCIES[match["sign"]]
    to = f" {_to_or_and(match)} " if match["to"] else ""
    amount = match["amount"]
    whole, _, decimals = amount.replace(",", "").partition(".")
    magnitude = MAGNITUDES.get(match["short"] or match["long"] or "", "")
    if match["last"] or magnitude:
        last = f" {_to_or_and(match)} {number(match['last'])}" if match["last"] else ""
        return f"{number(amount)}{last} {magnitude} {many}{to}".replace("  ", " ")
    if len(decimals) != 2 or not hundredth:
        return f"{number(amount.removesuffix('.00'))} {one if amount in ('1', '1.00') else many}{to}"
    spoken = [f"{number(whole)} {one if whole == '1' else many}"] if whole.strip("0") or decimals == "00" else []
    if decimals != "00":
        spoken.append(f"{cardinal(int(decimals))} {hundredth if decimals == '01' else hundredths}")
    return " and ".join(spoken) + to


def _amount_then_sign(match: re.Match[str]) -> str:
    one, many, _, _ = CURRENCIES[match["sign"]]
    to = f" {_to_or_and(match)} " if match["to"] else ""
    return f"{number(match['amount'])} {one if match['amount'] == '1' else many}{to}"


def _unit(match: re.Match[str]) -> tuple[str, str] | None:
    """Return singular and plural of the unit found; None if it is not one here."""
    if match["unit"] is None or (match["space"] and match["unit"] in ATTACHED_ONLY):
        return None
    if match["unit"] == "K" and len(match["last"]) < 4:  # 2700K is a colour, 4K a resolution
        return None
    return UNITS[match["unit"]]


def _measure(match: re.Match[str]) -> str | None:
    unit = _unit(match)
    if unit is None:
        return None
    one, many = unit
    if match["unit"] == "s" and match["last"].endswith("0"):
        before = match.string[max(0, match.start() - 8) : match.start()]
        if _DECADE_BEFORE.search(before) or len(match["last"]) == 4:
            return decade(int(match["last"].replace(",", "").partition(".")[0]))
    to = f" {_to_or_and(match)} " if match["to"] else ""
    joint = "-" if match["space"] == "-" else " "
    return f"{number(match['last'])}{joint}{one if match['last'] == '1' or joint == '-' else many}{to}"


def _range(match: re.Match[str]) -> str | None:
    first, last = match["first"], match["last"]
    unit = _unit(match)
    end = match.end() if unit else match.end("last")
    if _EQUATION_AFTER.match(match.string, end) or (
        match["dash"] == " - " and unit is None and float(first.replace(",", "")) > float(last.replace(",", ""))
    ):
        return f"{number(first)} minus {number(last)}" if unit is None and match["unit"] is None else None
    if looks_like_year(match, first) and looks_like_year(match, last) and match["unit"] is None:
        return f"{year(int(first))} {_to_or_and(match)} {year(int(last))}"
    if unit is None and match["unit"] is not None:
        return None
    minus = "minus " if match["minus"] else ""
    return f"{number(first)} {_to_or_and(match)} {minus}{number(last)}" + (f" {unit[1]}" if unit else "")


def _ordinal(match: re.Match[str]) -> str:
    return ordinal(int(match[1])) + (" to " if match["to"] else "")


def _product(match: re.Match[str]) -> str:
    is_size = match["sign"] == "x" or (
        match["sign"] == "×" and len(match["first"]) > 2 and not _EQUATION_AFTER.match(match.string, match.end())
    )
    return f" {'by' if is_size else 'times'} ".join(map(number, match[0].split(match["sign"])))


def _ratio(match: re.Match[str]) -> str:
    return f"{number(match[1])} to {number(match[2])}"


def _power(match: re.Match[str]) -> str:
    exponent = match[1]
    minus = "minus " if exponent[0] == "-" else ""
    return " " + (_POWERS.get(exponent) or f"to the power of {minus}{number(exponent.lstrip('+-'))}")


def _scientific(match: re.Match[str]) -> str:
    minus = "minus " if match[2][0] == "-" else ""
    return f"{number(match[1])} times ten to the power of {minus}{number(match[2].lstrip('+-'))}"


def _plain(match: re.Match[str]) -> str:
    if len(match[0]) > 2 and match[0].isdecimal() and match.string[max(0, match.start() - 1) : match.start()].isalpha():
        return digits(match[0])
    return year(int(match[0])) if looks_like_year(match, match[0]) else number(match[0])


def _mixed(match: re.Match[str]) -> str | None:
    top, under = int(match["top"]), int(match["under"])
    if not 0 < top < under or under > 20:
        return None
    part = fraction(top, under).replace("one ", "a ", 1) if top == 1 else fraction(top, under)
    return f"{number(match['whole'])} and {part}"


def _rules(*, day_first: bool) -> list[RewriteRule]:
    return [
        rule(r"(?<=[A-Za-z])-(?=\d)", " "),
        rule(r"(?<![\w)\]])-(?=(?:(?:US|NT|HK)?\$|[€£¥])?\.?\d)", "minus "),
        rule(r"(?<![\w)\]])[~≈]\s?(?=(?:(?:US|NT|HK)?\$|[€£¥])?\d)", "about "),
        *telephone_rules(digits, plus="plus ", pause=", "),
        rule(r"\d{3,20}(?![.,:]?\d)", _dialled),
        rule(r"(?<![\w.])(?P<v>[vV])\s?(?P<parts>\d{1,4}(?:\.\d{1,4}){0,4})(?!\w)", _dotted),
        *only_after(NO_LETTER_BEFORE, date_rules(day_first=day_first)),
        rule(rf"(?P<v>){NO_LETTER_BEFORE}(?P<parts>\d{{1,5}}(?:\.\d{{1,5}}){{1,6}})(?![\w%°])", _dotted),
        *only_after(_NO_LETTER_BUT_T, time_rules()),
        rule(r"(\d{1,3}):(\d{1,3})(?![\d:])", _ratio),
        rule(
            rf"{_CURRENCY_SIGN}\s?(?P<amount>{NUMBER})(?:[-–](?P<last>{NUMBER}))?{_MAGNITUDE}(?!\w){_TO}",
            _money,
        ),
        rule(rf"{NO_LETTER_BEFORE}(?P<amount>{NUMBER})\s?{_CURRENCY_SIGN}(?!\w){_TO}", _amount_then_sign),
        rule(r"#\s?(\d{1,9})(?!\d)", lambda match: f"number {number(match[1])}"),
        rule(r"(?P<whole>\d{1,4})\s(?P<top>\d{1,2})/(?P<under>\d{1,2})(?![\d/])", _mixed),
        rule(
            rf"{NO_LETTER_BEFORE}(?P<first>{NUMBER})(?P<dash>\s?[-–—~]\s?)(?P<minus>-)?(?P<last>{NUMBER})"
            rf"(?![-/:\w]\d|:)(?:{_UNIT_SPACED})?",
            _range,
        ),
        rule(rf"(\d{{1,12}})(?:st|nd|rd|th)\b{_TO}", _ordinal),
        rule(rf"({NUMBER})k\b", lambda match: f"{number(match[1])} thousand"),
        rule(r"(\d{1,2})'\s?(\d{1,2})(?:\"|\b)", lambda match: f"{number(match[1])} foot {number(match[2])}"),
        rule(r"(\d{1,3})\"(?=\s(?:TV|tv|screen|monitor|display|panel))", lambda match: f"{number(match[1])}-inch"),
        rule(rf"{NO_LETTER_BEFORE}(\d{{3}}0)s\b", lambda match: decade(int(match[1]))),
        rule(rf"{NO_LETTER_BEFORE}(?P<last>{NUMBER}){_UNIT_SPACED}{_TO}", _measure),
        rule(rf"({NUMBER})[eE]([+-]?\d{{1,3}})(?!\w)", _scientific),
        rule(r"\^([+-]?\d{1,6})(?!\d)", _power),
        rule(
            rf"{NO_LETTER_BEFORE}(?P<first>{NUMBER})(?P<sign>\s?[x×]\s?){NUMBER}(?:(?P=sign){NUMBER}){{0,2}}(?!\w)",
            _product,
        ),
        rule(NUMBER, _plain),
        rule(r"\.(\d++)", lambda match: f"point {digits(match[1])}"),
    ]


_START: Final = re.compile(
    r"(?<!\d)\d|(?:(?:US|NT|HK|[ACS])?\$|[€£¥₩₹฿₫₽]|\b(?:USD|NTD|TWD|HKD|EUR|GBP|JPY|CNY|RMB|KRW|CHF)\b)\s?(?=\d)"
    r"|[#~≈]\s?(?=[\d$€£¥])|[-+^](?=[-+$€£¥.\dUNH])|\((?=\d)|(?<![\w.])(?:[vV]\s?\d|\.(?=\d))"
    r"|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
)


class EnglishNormaliser:
    """Reads English; `day_first` for regions that write 22/11."""

    link_word: Final = "a link"

    def __init__(self, *, day_first: bool = False) -> None:
        """Choose the order of day and month in dates such as 4/7."""
        self._rewriter = NumberRewriter(_START, _rules(day_first=day_first))

    def normalise(self, text: str) -> str:
        """Return `text` as words and pauses only."""
        text = expand_words(expand_shorthand(fold(text)))
        return only_words(expand_signs(self._rewriter.rewrite(text)), DIGIT_WORDS)


def create(language: LanguageTag) -> EnglishNormaliser:
    """Return the normaliser for English as in the tag's region."""
    return EnglishNormaliser(day_first=language.region in _DAY_FIRST_REGIONS)
