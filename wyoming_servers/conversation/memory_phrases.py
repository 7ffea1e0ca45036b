"""What people say about the assistant's memory, understood without a model, in English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from avatar_appliance.facts import MAX_FACT_CHARS, same_words


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep this."""

    text: str


@dataclass(frozen=True, slots=True)
class ForgetLast:
    """Forget what was kept last in this conversation."""


@dataclass(frozen=True, slots=True)
class ForgetAbout:
    """Forget what is kept about this."""

    text: str


@dataclass(frozen=True, slots=True)
class ForgetEverything:
    """Forget all of a person's facts."""


@dataclass(frozen=True, slots=True)
class WhatIsKnown:
    """Tell a person's facts."""


MemoryPhrase = Remember | ForgetLast | ForgetAbout | ForgetEverything | WhatIsKnown


def memory_phrase(text: str) -> MemoryPhrase | None:
    """Return what a sentence wants of the memory; None where it is about something else."""
    plain = " ".join(text.split()).strip(" .!?。！？")
    if not plain or len(plain) > MAX_FACT_CHARS + 60:
        return None
    found = _chinese(plain) if _HAN.search(plain) else _english(plain)
    if isinstance(found, (Remember, ForgetAbout)):
        words = found.text.strip(" ,:，：.!?。！？「」\"'")
        if len(same_words(words)) < 2 or len(words) > MAX_FACT_CHARS:
            return None
        return type(found)(words)
    return found


_HAN: Final = re.compile("[\u3400-\u9fff]")

# -- English -------------------------------------------------------------------------------------------------------

_PLEASE: Final = (
    r"^(?:(?:please|hey|okay|ok|so|and|now|no|never mind|can you|could you|would you|will you|i want you to"
    r"|i'd like you to|you should|you can|you may)[, ]+)*"
)
_END: Final = r"(?:,? (?:please|okay|ok|again|now))*$"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_PLEASE + pattern + _END, re.IGNORECASE)


# "Remember to ..." is a reminder, "remember when ..." a question.
_REMEMBER: Final = (
    _compiled(
        r"(?:remember|keep in mind|bear in mind|(?:make a )?note|don['’]?t forget)(?: for me)?(?:,? that |[:,] )(.+?)"
    ),
    _compiled(r"(?:remember|keep in mind|don['’]?t forget) ((?:i|i['’]m|i['’]ve|my|we|we['’]re|our) .+?)"),
    _compiled(
        r"((?:i|i['’]m|i['’]ve|my|we|we['’]re|our) [^?]+?)[,.;] (?:please )?"
        r"(?:remember|don['’]?t forget) (?:that|this)"
    ),
)  # fmt: skip
_FORGET: Final = r"(?:forget|delete|erase)"
_FORGET_ALL: Final = _compiled(
    _FORGET
    + r" (?:everything|all|anything)(?: (?:that )?you(?:['’]ve| have)?(?: ever)? (?:know|remember|remembered|kept"
    r"|learned|learnt|saved|stored))?(?: about me| of me| (?:that )?i(?:['’]ve| have)?(?: ever)? told you)"
)
_FORGET_LAST: Final = _compiled(
    r"(?:(?:forget|delete|erase)(?: about)?|(?:do not|don['’]?t) (?:remember|keep))"
    r" (?:(?:all (?:of )?)?(?:that|this)(?: from your memory)?"
    r"|(?:that|the) last (?:thing|one|part)(?: i (?:just )?(?:said|told you))?"
    r"|(?:all of )?what i(?:['’]ve)?(?: have)?(?: just)? (?:said|told you))"
)
_FORGET_ABOUT: Final = _compiled(
    _FORGET + r" (?:about |that |(?:what (?:i (?:said|told you)|you know)|everything|anything|the thing) about )(.+?)"
)
_KNOWN: Final = _compiled(
    r"(?:(?:tell me )?what (?:else )?(?:(?:do|did) )?you (?:know|remember)(?: already)? (?:about|of) me"
    r"|what (?:have you|did you) (?:remember(?:ed)?|learn(?:ed|t)?|kept|keep|saved?|stored?) about me"
    r"|(?:do|did) you (?:know|remember) (?:anything|something) about me)"
)


def _english(text: str) -> MemoryPhrase | None:
    if _KNOWN.match(text):
        return WhatIsKnown()
    for pattern in _REMEMBER:
        if (found := pattern.match(text)) is not None:
            return Remember(found[1])
    if _FORGET_ALL.match(text):
        return ForgetEverything()
    if _FORGET_LAST.match(text):
        return ForgetLast()
    found = _FORGET_ABOUT.match(text)
    return None if found is None else ForgetAbout(found[1])


# -- Chinese, in either script --------------------------------------------------------------------------------------

_QING: Final = r"^(?:請|请|麻煩|麻烦|拜託|拜托|幫我|帮我|你|妳|要|可以|可不可以|能不能|那|嗯|好|，|,|\s)*"
_BA: Final = r"(?:吧|好了|好嗎|好吗|嗎|吗|喔|哦)?$"
# What is about the person is a fact; "記得關燈" (remember to switch off the light) is none.
_OWN: Final = r"(?:[，,：:]\s*.+|\s*(?:我|咱|家裡|家里|關於|关于).+)"
_JIZHU: Final = (
    re.compile(
        rf"{_QING}(?:記住|记住|記下來|记下来|記下|记下|記一下|记一下|記好|记好)(?!了|沒|没)[，,：:\s]*(?!.*[嗎吗]$)(.+)$"
    ),
    re.compile(rf"{_QING}(?:記得|记得|別忘了|别忘了|別忘記|别忘记|不要忘記|不要忘记|不要忘了)(?!.*[嗎吗]$)({_OWN})$"),
    re.compile(
        r"^((?:我|咱|家裡|家里)[^?？嗎吗]+?)[，,。\s]+(?:請|请|你)?(?:要)?(?:記住|记住|記得|记得|記下來|记下来)(?:這件事|这件事|這點|这点)?(?:喔|哦)?$"
    ),
)
_WANG: Final = r"(?:忘記|忘记|忘掉|忘了|刪掉|删掉|刪除|删除)"
_SHI: Final = (
    r"(?:(?:我)?(?:剛剛|刚刚|剛才|刚才|上次)?(?:說|说|講|讲|告訴你|告诉你)的(?:那件事|那句話|那句话|話|话|事|事情)?"
    r"|(?:剛剛|刚刚|剛才|刚才)?的?(?:那|這|这)(?:件事情?|個|个|句話|句话|一件|一句))"
)
_WANG_QUAN: Final = (
    re.compile(rf"{_QING}{_WANG}(?:所有|全部|一切)?(?:你)?(?:知道|記得|记得)?的?(?:關於|关于|有關|有关)?我的?"
               rf"(?:一切|全部|所有(?:的)?(?:事情?|資料|资料))(?:事情?|資料|资料)?{_BA}"),
    re.compile(rf"{_QING}{_WANG}(?:所有|全部|一切)(?:你)?(?:知道|記得|记得)?的?(?:關於|关于|有關|有关)?我的(?:事情?|資料|资料){_BA}"),
    re.compile(rf"{_QING}把(?:所有|全部)?(?:關於|关于|有關|有关)?我的?(?:事情?|資料|资料|一切)(?:全部|全都|都|通通){_WANG}{_BA}"),
)  # fmt: skip
_WANG_SHI: Final = (
    re.compile(rf"{_QING}{_WANG}(?:{_SHI}|它|那個|那个|這個|这个){_BA}"),
    re.compile(
        rf"{_QING}(?:不要|別|别|不用)(?:記住|记住|記得|记得|記|记)(?:{_SHI}|它|那個|那个|這個|这个)?(?:了)?{_BA}"
    ),
    re.compile(rf"{_QING}把它(?:都|給|给)?{_WANG}{_BA}"),
    re.compile(rf"{_QING}把{_SHI}(?:都|給|给)?{_WANG}{_BA}"),
)
_WANG_GUANYU: Final = (
    re.compile(
        rf"{_QING}{_WANG}(?:關於|关于|有關|有关)(.+?)(?:的(?:事情?|記憶|记忆|資料|资料)|這件事|这件事|那件事)?{_BA}"
    ),
    re.compile(rf"{_QING}(?:忘記|忘记|忘掉|刪掉|删掉|刪除|删除)(我.+?)(?:的事情?|這件事|这件事|那件事)?{_BA}"),
    re.compile(rf"{_QING}把(.+?)(?:的事情?|這件事|这件事|那件事)(?:都|給|给)?{_WANG}{_BA}"),
)
_ZHIDAO: Final = re.compile(
    r"^(?:那|請問|请问|說說|说说|告訴我|告诉我|嗯|，|,)*(?:你|妳)(?:還|还|都)?(?:"
    r"(?:記得|记得|知道|記住了?|记住了?|了解)(?:一些)?(?:關於|关于|有關|有关)?我的?(?:什麼|什么|哪些|多少|些什麼|些什么|事)"
    r"|(?:對|对)我(?:的事)?(?:知道|了解|記得|记得|有)(?:了解)?(?:什麼|什么|哪些|多少|些什麼|些什么))"
    r"(?:事情?|東西|东西)?(?:嗎|吗|呢|啊)?$"
)


def _chinese(text: str) -> MemoryPhrase | None:
    if _ZHIDAO.match(text):
        return WhatIsKnown()
    for pattern in _JIZHU:
        if (found := pattern.match(text)) is not None:
            return Remember(found[1])
    if any(pattern.match(text) for pattern in _WANG_QUAN):
        return ForgetEverything()
    if any(pattern.match(text) for pattern in _WANG_SHI):
        return ForgetLast()
    for pattern in _WANG_GUANYU:
        if (found := pattern.match(text)) is not None:
            return ForgetAbout(found[1])
    return None
