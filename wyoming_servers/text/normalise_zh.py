"""Chinese as spoken in Taiwan: numbers, units, money, dates and signs as words."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from wyoming_servers.text.chinese_dates import date_rules, time_rules
from wyoming_servers.text.chinese_numbers import DIGIT_WORDS, cardinal, digits, number, trimmed
from wyoming_servers.text.chinese_signs import expand_signs, expand_words, tidy_spacing, to_simplified
from wyoming_servers.text.chinese_units import (
    ATTACHED_ONLY,
    CURRENCIES,
    FACTORS,
    MEASURE_WORDS,
    NOT_COUNTED,
    SPELLED_UNITS,
    TEMPERATURES,
    UNITS,
)
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

_NO_LETTER_BUT_T: Final = r"(?<![A-SU-Za-z])"
_SIGN: Final = r"(?P<minus>(?<![A-Za-z0-9)])-)?"
_UNIT: Final = "|".join(re.escape(unit) for unit in sorted({*UNITS, *SPELLED_UNITS, "度"}, key=len, reverse=True))
_UNIT_END: Final = r"(?a:(?<=[°%‰度])(?![CF]\b)|(?<![°%‰度])(?![\w^]))"
_UNIT_SPACED: Final = rf"(?P<space>\s?)(?P<unit>{_UNIT}){_UNIT_END}"
_CURRENCY_SIGN: Final = (
    r"(?P<sign>(?:US|NT|HK|[ACS])?\$|[€£¥₩₹฿₫₽]|(?a:\b(?:USD|NTD|TWD|HKD|EUR|GBP|JPY|CNY|RMB|KRW|THB|CHF)\b))"
)
_MAGNITUDE: Final = r"(?:\s?(?P<magnitude>百萬|千萬|[萬万億亿兆千]|(?a:(?:k|K|M|bn|B|million|billion)\b)))?"
_TO: Final = r"(?P<to>\s?[–—~至-]\s?(?=(?:(?:US|NT|HK)?\$|[€£¥-])?\d))?"
_MEASURED: Final = re.compile(rf"\s?(?!{'|'.join(NOT_COUNTED)})[{MEASURE_WORDS}]")
_STREET_BEFORE: Final = re.compile(r"[路街道村鄰第初高國]\s?$")
_DIAL_BEFORE: Final = re.compile(
    r"(?:打|撥|拨|電話|电话|專線|专线|報警|簡訊|編號|编号|統編|號碼|号码|帳號|卡號|密碼|密码|代碼|代码|序號|驗證碼|验证码|分機|區號|PIN)"
    r"(?:是|為|为|[:：])?\s?$"
)
_LETTER_BEFORE: Final = re.compile(r"[A-Za-z]")
_VERSION_BEFORE: Final = re.compile(r"(?:版本?|Assistant|HA|Core|OS|ESPHome)\s?$")
_SPEED_BEFORE: Final = re.compile(r"[時时]速\s?$")
_MAX_MAGNIFIED_CHARS: Final = 9
_EQUATION_AFTER: Final = re.compile(r"\s?=")


def _counts(match: re.Match[str], end: int) -> bool:
    """Say whether something is counted: a measure word follows at `end`, and it is no part of a name (中山路2段)."""
    if not _MEASURED.match(match.string, end):
        return False
    return not _STREET_BEFORE.search(match.string[max(0, match.start() - 2) : match.start()])


def _to(match: re.Match[str]) -> str:
    return "到" if match["to"] else ""


def _dialled(match: re.Match[str]) -> str | None:
    before = match.string[max(0, match.start() - 6) : match.start()]
    return digits(match[0]) if _DIAL_BEFORE.search(before) else None


def _dotted(match: re.Match[str]) -> str | None:
    parts = match["parts"].split(".")
    if len(parts) == 4 and all(int(part) <= 255 for part in parts) and not match["v"]:
        return "點".join(map(digits, parts))
    is_named = _VERSION_BEFORE.search(match.string[max(0, match.start() - 12) : match.start()])
    if len(parts) == 2 and not (is_named or match["v"]):  # a decimal number
        return None
    first = digits(parts[0]) if len(parts[0]) == 4 else number(parts[0])
    return ("版本" if match["v"] and not is_named else "") + "點".join([first, *map(number, parts[1:])])


def _money(match: re.Match[str]) -> str:
    unit = CURRENCIES[match["sign"]]
    magnitude = match["magnitude"] or ""
    amount = _magnified(match["amount"], magnitude)
    last = f"到{_magnified(match['last'], magnitude)}" if match["last"] else ""
    minus = "負" if match["minus"] else ""
    return f"{minus}{amount}{last}{unit}{_to(match)}"


def _magnified(amount: str, magnitude: str) -> str:
    """Say an amount of so many thousands or millions; 2.5M is 兩百五十萬."""
    amount = trimmed(amount)
    factor = FACTORS.get(magnitude)
    if factor is not None and len(amount) <= _MAX_MAGNIFIED_CHARS:
        return number(trimmed(str(Decimal(amount.replace(",", "")) * factor)), counts=True)
    return number(amount, counts=True) + magnitude


def _amount_then_sign(match: re.Match[str]) -> str:
    return f"{number(trimmed(match['amount']), counts=True)}{CURRENCIES[match['sign']]}{_to(match)}"


def _unit(match: re.Match[str]) -> tuple[str, str] | None:
    """Return what is said before and behind the number; None if there is no unit here."""
    unit = match["unit"]
    if unit is None or (match["space"] and unit in ATTACHED_ONLY and _goes_on_in_latin(match)):
        return None
    if unit == "度":
        return "", "度"
    if unit == "C" and len(match["last"]) < 2:  # 21C is a temperature, 3C are electronics
        return None
    return UNITS.get(unit) or ("", " " + unit)


def _goes_on_in_latin(match: re.Match[str]) -> bool:
    after = match.string[match.end("unit") : match.end("unit") + 2].strip()
    return after[:1].isascii() and after[:1].isalnum()


def _minus(unit: str | None, sign: str | None) -> str:
    if not sign:
        return ""
    return "零下" if unit in TEMPERATURES else "負"


def _measure(match: re.Match[str]) -> str | None:
    unit = _unit(match)
    if unit is None:
        return None
    before, behind = unit
    if before == "每小時" and _SPEED_BEFORE.search(match.string[max(0, match.start() - 3) : match.start()]):
        before = ""
    minus = _minus(match["unit"], match["minus"])
    amount = number(match["last"], counts=bool(behind))
    if not behind:  # 負百分之五
        return f"{minus}{before}{amount}{_to(match)}"
    return f"{before}{minus}{amount}{behind}{_to(match)}"


def _range(match: re.Match[str]) -> str | None:
    first, last = match["first"], match["last"]
    unit = _unit(match)
    if unit is None and match["unit"] is not None:
        return None
    falls = float(first.replace(",", "")) > float(last.replace(",", ""))
    if unit is None and (_EQUATION_AFTER.match(match.string, match.end()) or (match["dash"] == " - " and falls)):
        return f"{_minus(None, match['minus'])}{number(first)}減{number(last)}"
    before, behind = unit or ("", "")
    counts = bool(behind) or (unit is None and _counts(match, match.end()))
    low = _minus(match["unit"], match["minus"]) + number(first, counts=counts)
    high = _minus(match["unit"], match["minus_last"]) + number(last, counts=counts)
    return f"{before}{low}到{high}{behind}"


def _product(match: re.Match[str]) -> str:
    return ("乘" if match["sign"] == "x" else "乘以").join(map(number, match[0].split(match["sign"])))


def _scientific(match: re.Match[str]) -> str:
    minus = "負" if match[2][0] == "-" else ""
    return f"{number(match[1])}乘以十的{minus}{number(match[2].lstrip('+-'))}次方"


def _power(match: re.Match[str]) -> str:
    exponent = match[1]
    if exponent in ("2", "3"):
        return "平方" if exponent == "2" else "立方"
    return f"的{'負' if exponent[0] == '-' else ''}{number(exponent.lstrip('+-'))}次方"


def _mixed(match: re.Match[str]) -> str | None:
    top, under = int(match["top"]), int(match["under"])
    if not 0 < top < under:
        return None
    return f"{number(match['whole'])}又{cardinal(under)}分之{cardinal(top)}"


def _plain(match: re.Match[str]) -> str:
    if _LETTER_BEFORE.search(match.string[max(0, match.start() - 1) : match.start()]) and len(match[0]) > 2:
        return number(match[0]) if "." in match[0] else digits(match[0])
    return number(match[0], counts=_counts(match, match.end()))


def _rules() -> list[RewriteRule]:
    return [
        rule(r"(?<=[A-Za-z])-(?=\d)", " "),
        rule(r"(?<=[點点分秒日號号月年樓楼時时])\s?[~–—-]\s?(?=\d)", "到"),
        rule(r"(?<![A-Za-z0-9)\]])[~≈]\s?(?=(?:(?:US|NT|HK)?\$|[€£¥])?\d)", "約"),
        *telephone_rules(digits, plus="加", pause="，"),
        rule(r"\d{3,20}(?![.,:]?\d)", _dialled),
        rule(r"7-(?:11|(?i:eleven))(?!\d|\s?[度歲月日點個天年元%°])", "Seven Eleven"),
        rule(r"(?a:(?<![\w.]))(?P<v>[vV])\s?(?P<parts>\d{1,4}(?:\.\d{1,4}){0,4})(?a:(?!\w))", _dotted),
        *only_after(NO_LETTER_BEFORE, date_rules()),
        rule(rf"(?P<v>){NO_LETTER_BEFORE}(?P<parts>\d{{1,5}}(?:\.\d{{1,5}}){{1,6}})(?![\w%°])", _dotted),
        *only_after(_NO_LETTER_BUT_T, time_rules()),
        rule(r"(\d{1,3}):(\d{1,3})(?![\d:])", lambda match: f"{number(match[1])}比{number(match[2])}"),
        rule(
            rf"{_SIGN}{_CURRENCY_SIGN}\s?(?P<amount>{NUMBER})(?:[-–~](?P<last>{NUMBER}))?{_MAGNITUDE}"
            rf"(?:\s?[元塊块圓])?(?![A-Za-z0-9]){_TO}",
            _money,
        ),
        rule(rf"{NO_LETTER_BEFORE}(?P<amount>{NUMBER})\s?{_CURRENCY_SIGN}(?![A-Za-z0-9]){_TO}", _amount_then_sign),
        rule(r"#\s?(\d{1,9})(?!\d)", lambda match: f"{number(match[1])}號"),
        rule(r"(?P<whole>\d{1,4})\s(?P<top>\d{1,2})/(?P<under>\d{1,2})(?![\d/])", _mixed),
        rule(
            rf"{NO_LETTER_BEFORE}{_SIGN}(?P<first>{NUMBER})(?P<dash>\s?[-–—~至到]\s?)(?P<minus_last>-)?(?P<last>{NUMBER})"
            rf"(?![-/:]\d|:)(?:{_UNIT_SPACED})?",
            _range,
        ),
        rule(rf"{NO_LETTER_BEFORE}{_SIGN}(?P<last>{NUMBER}){_UNIT_SPACED}{_TO}", _measure),
        rule(r"(?:(?<![\w)\]])|(?<=[是為为到至約达達降低於于跌溫温值等得差了]))-(?=\.?\d)", "負"),
        rule(r"(\d{1,9})(?a:(?:st|nd|rd|th)\b)", lambda match: f"第{number(match[1])}"),
        rule(r"\d{3,4}(?=\s?[室房]|路(?!口))|\d\d(?=折|無鉛)|(?<=台北)101|101(?=大樓)", lambda match: digits(match[0])),
        rule(rf"({NUMBER})[eE]([+-]?\d{{1,3}})(?a:(?!\w))", _scientific),
        rule(r"\^([+-]?\d{1,6})(?!\d)", _power),
        rule(
            rf"{NO_LETTER_BEFORE}(?P<first>{NUMBER})(?P<sign>\s?[x×]\s?){NUMBER}(?:(?P=sign){NUMBER}){{0,2}}(?![A-Za-z0-9])",
            _product,
        ),
        rule(NUMBER, _plain),
        rule(r"\.(\d++)", lambda match: f"點{digits(match[1])}"),
    ]


_START: Final = re.compile(
    r"(?<!\d)\d|(?:(?:US|NT|HK|[ACS])?\$|[€£¥₩₹฿₫₽]|(?a:\b(?:USD|NTD|TWD|HKD|EUR|GBP|JPY|CNY|RMB|KRW|THB|CHF)\b))\s?(?=\d)"
    r"|[#~≈]\s?(?=[\d$€£¥NUH])|[-+^–—](?=\s?[-+$€£¥.\dUNH])|[(（](?=\d)|(?a:(?<![\w.])(?:[vV]\s?\d|\.(?=\d)))"
)


class ChineseNormaliser:
    """Reads Chinese the way it is spoken in Taiwan; `simplified` writes its own words in Simplified characters."""

    def __init__(self, *, simplified: bool = False) -> None:
        """Choose the characters of the words that are put in."""
        self._simplified = simplified
        self._rewriter = NumberRewriter(_START, _rules(), between="，")

    @property
    def link_word(self) -> str:
        """What to say for a web address that cannot be read out."""
        return "链接" if self._simplified else "連結"

    def normalise(self, text: str) -> str:
        """Return `text` as words and pauses only."""
        text = fold(text)
        if self._simplified:
            text = text.replace("¥", "RMB ")  # the same sign; to Taiwan it is the yen
        text = self._rewriter.rewrite(expand_words(text))
        text = tidy_spacing(only_words(expand_signs(text), DIGIT_WORDS))
        return to_simplified(text) if self._simplified else text


def create(language: LanguageTag) -> ChineseNormaliser:
    """Return the normaliser for Chinese, Traditional unless the tag says otherwise."""
    return ChineseNormaliser(simplified=language.is_simplified_chinese)
