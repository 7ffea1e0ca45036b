"""Abbreviations, addresses and signs in English words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from wyoming_servers.text.english_units import CURRENCIES, UNITS
from wyoming_servers.text.word_set import word_set

_Replacement = str | Callable[[re.Match[str]], str]

_ABBREVIATIONS: Final[Mapping[str, str]] = {
    "mr.": "Mister", "mrs.": "Missus", "ms.": "Miz", "prof.": "Professor", "gov.": "Governor", "gen.": "General",
    "col.": "Colonel", "capt.": "Captain", "lt.": "Lieutenant", "sgt.": "Sergeant", "rev.": "Reverend",
    "sen.": "Senator", "rep.": "Representative", "jr.": "Junior", "sr.": "Senior", "e.g.": "for example",
    "i.e.": "that is", "vs.": "versus", "vs": "versus", "cf.": "compare", "viz.": "namely", "etc.": "et cetera",
    "approx.": "approximately", "ca.": "about", "incl.": "including", "excl.": "excluding", "esp.": "especially",
    "dept.": "department", "univ.": "university", "est.": "established", "min.": "minimum", "max.": "maximum",
    "avg.": "average", "temp.": "temperature", "inc.": "Incorporated", "ltd.": "Limited", "co.": "Company",
    "corp.": "Corporation", "fig.": "figure", "figs.": "figures", "vol.": "volume", "pp.": "pages", "ch.": "chapter",
    "sec.": "section", "eq.": "equation", "ext.": "extension", "apt.": "apartment", "bldg.": "building",
    "ave.": "Avenue", "blvd.": "Boulevard", "rd.": "Road", "ln.": "Lane", "mt.": "Mount", "hr.": "hour",
    "hrs.": "hours", "mins.": "minutes", "secs.": "seconds", "govt.": "government", "intl.": "international",
    "misc.": "miscellaneous", "ph.d.": "PhD", "a.k.a.": "also known as", "aka": "also known as",
    "jan.": "January", "feb.": "February", "mar.": "March", "apr.": "April", "jun.": "June", "jul.": "July",
    "aug.": "August", "sep.": "September", "sept.": "September", "oct.": "October", "nov.": "November",
    "dec.": "December", "mon.": "Monday", "tue.": "Tuesday", "tues.": "Tuesday", "wed.": "Wednesday",
    "thu.": "Thursday", "thur.": "Thursday", "thurs.": "Thursday", "fri.": "Friday",
}  # fmt: skip
_ALSO_UNITS: Final = frozenset({"min.", "mins.", "sec.", "secs.", "hr.", "hrs."})
_ENDS_THE_TEXT: Final = re.compile(r"\s*+$")
_ENDS_A_SENTENCE: Final = re.compile(r"\s*+$|\s++[A-Z\"“]")
_MAY_END_SENTENCE: Final = word_set(
    "etc. inc. ltd. co. corp. jr. sr. ave. blvd. rd. ln. hr. hrs. mins. secs. dept. ph.d."
)
_DOTTED: Final = "|".join(re.escape(short) for short in sorted(_ABBREVIATIONS, key=len, reverse=True))
_LONE_UNITS: Final = "|".join(
    re.escape(unit)
    for unit in sorted(UNITS, key=len, reverse=True)
    if "/" in unit or "^" in unit or unit in ("°C", "°F", "kWh", "kΩ")
)
_RATES: Final = r"(?:h|hr|hour|s|sec|second|min|minute|d|day|night|w|week|mo|month|y|yr|year|person|head|use|item)\b"


def _abbreviation(match: re.Match[str]) -> str:
    short = match[0].lower()
    if short in _ALSO_UNITS and match.string[max(0, match.start() - 2) : match.start()].strip().isdigit():
        return match[0]
    end = match.end()
    pattern = _ENDS_A_SENTENCE if short in _MAY_END_SENTENCE else _ENDS_THE_TEXT
    return _ABBREVIATIONS[short] + ("." if pattern.match(match.string, end) else "")


def _acronym(match: re.Match[str]) -> str:
    letters = match[0].replace(".", "").upper()
    return letters + ("." if _ENDS_A_SENTENCE.match(match.string, match.end()) and not match[0][0].islower() else "")


def _email(match: re.Match[str]) -> str:
    return match[0].replace("@", " at ").replace(".", " dot ").replace("_", " underscore ")


_BEFORE_NUMBERS: Final[tuple[tuple[re.Pattern[str], _Replacement], ...]] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}+", _email),
        (r"(?<![\w.])(?:[Dd]r)\.(?=\s[A-Z])", "Doctor"),
        (r"(?<=\w )Dr\.(?=\s*$|,|\s[a-z])", "Drive"),
        (r"(?<![\w.])St\.(?=\s[A-Z])", "Saint"),
        (r"(?<=\w )St\.(?=\s*$|,|\s[a-z])", "Street"),
        (r"(?<![\w.])(?i:no|nr)\.\s?(?=#?\d)", "number "),
        (r"(?<![\w.])[Nn]os\.\s?(?=\d)", "numbers "),
        (r"(?<![\w.])[Pp]\.\s?(?=\d)", "page "),
        (rf"(?<![\w.@-])(?i:{_DOTTED})(?![\w.])", _abbreviation),
        (r"(?<![\w.])(?:[A-Za-z]\.){2,12}(?!\w)(?<![ap]\.m\.)(?<![AP]\.M\.)", _acronym),
        (r"(?<![\w.])(?:[A-Z]\.){1,12}[A-Z](?![\w.])", _acronym),
        (r"(?<![\w.])(?<=\s)[Ww]/o(?=\s)", "without"),
        (r"(?<![\w.])(?<=\s)[Ww]/(?=\s)", "with"),
        (r"(?<=[a-z])\.(?=[A-Z][a-z])", ". "),
        (r"(?<=[A-Za-z0-9])\.(?=[A-Za-z])(?![a-z]\.)", " dot "),
        (r"(?<=[A-Za-z])\.(?=\d)", " "),
        (rf"(?<![\w/°^])(?<!\d\s)(?:{_LONE_UNITS})(?![\w/^])", lambda match: UNITS[match[0]][1]),
    )
)

_AFTER_NUMBERS: Final[tuple[tuple[re.Pattern[str], _Replacement], ...]] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<=\w)\(s\)", "s"),
        (r"(?<![\w.])[aA]\.\s?[mM]\.", "AM "),
        (r"(?<![\w.])[pP]\.\s?[mM]\.", "PM "),
        (r">=|≥|≧", " greater than or equal to "),
        (r"<=|≤|≦", " less than or equal to "),
        (r"!=|≠", " not equal to "),
        (r"\+/-|±", " plus or minus "),
        (r"[-=]{1,3}>|[→⇒]", " to "),
        (r"(?<=[\w)%])\s?<\s?(?=[\w(])", " less than "),
        (r"(?<=[\w)%])\s?>\s?(?=[\w(])", " greater than "),
        (r"(?<=[A-Z])\+\+", " plus plus "),
        (r"\++", " plus "),
        (r"=+", " equals "),
        (r"(?<=[\w)])(\s?)\*\*\1(?=[\w(])", " to the power of "),
        (r"(?<=[\w)])(\s?)[*×]\1(?=[\w(])", " times "),
        (r"÷", " divided by "),
        (r"≈", " about "),
        (r"√", " square root of "),
        (r"∞", " infinity "),
        (rf"(?<=\w)\s?/\s?(?={_RATES})", " per "),
        (r"\band/or\b", "and or"),
        (r"(?<=[a-z])\s?/\s?(?=[a-z])", " or "),
        (r"&+", " and "),
        (r"@", " at "),
        (r"(?<!\w)#(?=[A-Za-z])", " hashtag "),
        (r"[%﹪]", " percent "),
        (r"‰", " per mille "),
        (r"°", " degrees "),
        (r"§", " section "),
        (r"π", " pi "),
        (r"[ΩΩ]", " ohms "),
        (r"μ(?![a-zα-ω])", " micro "),
        (r"Δ", " delta "),
        (r"[$€£¥₩₹฿₫₽¢]", lambda match: f" {CURRENCIES[match[0]][1]} "),
        (r"[)\]}]\s*$", " "),
        (r"(?<=\s)[-–]{1,3}(?=\s)|--+|[—–(){}\[\]|·•]", ", "),
        (r"…+", "..."),
    )
)


def expand_words(text: str) -> str:
    """Write abbreviations and addresses out; to be done before numbers are rewritten."""
    return _applied(_BEFORE_NUMBERS, text)


def expand_signs(text: str) -> str:
    """Say the signs left when numbers are words."""
    return _applied(_AFTER_NUMBERS, text)


def _applied(rules: tuple[tuple[re.Pattern[str], _Replacement], ...], text: str) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text
