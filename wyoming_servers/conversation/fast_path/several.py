"""Several commands in one sentence, taken apart: "turn off the desk lamp and the fan, then close the blinds".

The matcher's templates are one command each. What is taken apart here is words only; whoever asks carries out nothing
unless every part is a plain command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from .grammar import Grammar

MAX_COMMANDS: Final = 4

_ENGLISH_AND: Final = re.compile(
    r"\s+(?:and|plus|&)\s+(?:then\s+|also\s+)?|\s*[,;.!?]\s+(?:and\s+)?(?:then\s+|also\s+)?|\s+then\s+", re.IGNORECASE
)
_CHINESE_AND: Final = re.compile(
    "[，,；;。、！!]*(?:然後|然后|接著|接着|並且|并且|以及|還有|还有|順便|顺便|同時|同时|再|並|并|和|跟|與|与|及)+[，,]?"
    "|[，,；;。、！!]+"
)
_PAUSE: Final = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_PUNCTUATION: Final = " .,;!?。，、；！？"
_POLITE: Final = frozenset(
    {"please", "thanks", "thank you", "謝謝", "谢谢", "麻煩你", "麻烦你", "拜託", "拜托", "好嗎", "好吗"}
)
_NOTHING_NAMED: Final = re.compile(r"(?!)")


def may_be_several(text: str, grammar: Grammar) -> bool:
    """Return whether there is anything to cut at; a look that costs nothing."""
    return (_CHINESE_AND if grammar.is_chinese else _ENGLISH_AND).search(text.strip(_PUNCTUATION)) is not None


def taken_apart(text: str, names: Iterable[str], grammar: Grammar) -> tuple[str, ...]:
    """Return the commands that a sentence may consist of, in order; empty where it is not several.

    `names`: what the sentence names, as it is said there: a name that holds an "and" is not cut, and a verb that is
    said once for several names is said for each.
    """
    conjunction = _CHINESE_AND if grammar.is_chinese else _ENGLISH_AND
    naming = _any_of(names, chinese=grammar.is_chinese)
    commands: list[str] = []
    for clause in _clauses(text.strip(_PUNCTUATION), conjunction, naming, grammar):
        one_each = _one_each(clause, conjunction, naming, grammar)
        # A name alone is taken for "turn on" by itself. Here its verb stands elsewhere, and may be another.
        if any(map(naming.fullmatch, one_each)) or len(commands := [*commands, *one_each]) > MAX_COMMANDS:
            return ()
    commands = list(dict.fromkeys(commands))
    return tuple(commands) if len(commands) > 1 else ()


def with_pauses(text: str) -> tuple[str, ...]:
    """Return a sentence as it is, and with the pauses that Whisper writes as a space in Chinese taken for commas."""
    return tuple(dict.fromkeys((text, _PAUSE.sub("，", text))))


def _any_of(names: Iterable[str], *, chinese: bool) -> re.Pattern[str]:
    """One of these names, the longest first, however its words are joined."""
    forms = [r"[\s_-]+".join(map(re.escape, name.split())) for name in sorted(names, key=len, reverse=True)]
    if not forms:
        return _NOTHING_NAMED
    name = "|".join(forms)
    return re.compile(f"(?:{name})" if chinese else rf"(?:(?:the|my|our)\s+)?(?<!\w)(?:{name})(?!\w)", re.IGNORECASE)


def _listed(naming: re.Pattern[str], conjunction: re.Pattern[str], grammar: Grammar) -> re.Pattern[str]:
    """Two names or more, one after the other."""
    before, after = ("", "都?") if grammar.is_chinese else (r"(?:\bboth\s+)?", "")
    return re.compile(
        f"{before}(?P<names>{naming.pattern}(?:(?:{conjunction.pattern}){naming.pattern})+){after}", re.IGNORECASE
    )


def _clauses(text: str, conjunction: re.Pattern[str], naming: re.Pattern[str], grammar: Grammar) -> list[str]:
    """Cut at every conjunction that neither stands within a name nor between names."""
    whole = [
        found.span() for pattern in (naming, _listed(naming, conjunction, grammar)) for found in pattern.finditer(text)
    ]
    clauses, start = [], 0
    for cut in conjunction.finditer(text):
        if not any(begin <= cut.start() and cut.end() <= end for begin, end in whole):
            clauses.append(text[start : cut.start()])
            start = cut.end()
    stripped = (part.strip(_PUNCTUATION) for part in [*clauses, text[start:]])
    return [clause for clause in stripped if clause and clause.casefold() not in _POLITE]


def _one_each(clause: str, conjunction: re.Pattern[str], naming: re.Pattern[str], grammar: Grammar) -> list[str]:
    """Return the clause once for every name of its list."""
    listed = _listed(naming, conjunction, grammar).search(clause)
    if listed is None:
        return [clause]
    before, after = clause[: listed.start()], clause[listed.end() :]
    return [f"{before}{name.group()}{after}" for name in naming.finditer(listed["names"])]
