"""Which of the things that were asked about somebody means: "the kitchen one", "the second", "yes", 「臥室的」."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rapidfuzz import fuzz

from wyoming_servers.text import to_traditional

from .fast_path.recognition import Suggestion

MAX_REPLY_CHARS: Final = 60
# Of 100: so alike must a word be to a name, and so much more than to any other.
_LEAST_LIKENESS: Final = 80.0
_LEAST_LEAD: Final = 10.0

_YES: Final = frozenset(
    {
        "yes", "yeah", "yep", "yup", "sure", "right", "correct", "exactly", "ok", "okay", "yes please", "please do",
        "that one", "thats right", "that is right", "yes that one", "對", "对", "是", "是的", "對的", "对的", "沒錯",
        "没错", "好", "好的", "嗯", "對啊", "对啊", "就是",
    }
)  # fmt: skip
_NO: Final = frozenset(
    {
        "no", "nope", "neither", "none", "none of them", "neither of them", "no thanks", "neither one", "not that one",
        "不", "不是", "都不是", "不對", "不对", "沒有", "没有", "都不要", "不要",
    }
)  # fmt: skip
_ALL: Final = frozenset(
    {
        "both", "all", "all of them", "both of them", "all three", "everything", "both please", "all please", "都",
        "都要", "都是", "兩個都要", "两个都要", "兩個都", "两个都", "全部", "全部都要", "三個都要", "三个都要",
        "三個都", "三个都",
    }
)  # fmt: skip
_ORDINALS: Final = {
    "first": 0, "1st": 0, "former": 0, "second": 1, "2nd": 1, "latter": -1, "third": 2, "3rd": 2, "last": -1,
    "第一個": 0, "第一个": 0, "第二個": 1, "第二个": 1, "第三個": 2, "第三个": 2, "最後一個": -1, "最后一个": -1,
    "前面": 0, "前者": 0, "後者": -1, "后者": -1,
}  # fmt: skip
_FILLERS: Final = frozenset(
    {
        "the", "a", "an", "one", "ones", "in", "on", "of", "please", "i", "mean", "meant", "that", "it", "is", "its",
        "want", "take", "use", "uh", "um", "well", "for", "me", "my",
    }
)  # fmt: skip
_CHINESE_FILLERS: Final = re.compile(
    "我是說|我是说|我是指|我說的是|我说的是|那一個|那一个|那個|那个|這個|这个|那盞|那盏|那邊|那边|裡面的?|里面的?|裡的|里的"
    "|請|请|我要|我|是|指|要|在|的|吧|啊|呢|喔|嗯|就"
)
_AND: Final = re.compile(r"\s+and\s+|\s*[,、，和跟與与]\s*(?:and\s+)?")
_HAN: Final = re.compile("[\u3400-\u9fff]")


def chosen(reply: str, suggestions: Sequence[Suggestion], *, guess: bool = True) -> list[Suggestion] | None:
    """Return what a reply means of the things asked about: none of them for a no; None where it is no reply.

    `guess`: whether words that are only like a name count, too.
    """
    plain = " ".join(re.sub(r"[^\w\s,、，]|_", " ", re.sub("['’]", "", reply)).casefold().split()).strip(" ,、，")
    if not plain or len(plain) > MAX_REPLY_CHARS or not suggestions:
        return None
    said = " ".join(re.sub("[,、，]", " ", plain).split())
    if said in _NO:
        return []
    if said in _YES:
        return list(suggestions) if len(suggestions) == 1 else None
    if said in _ALL:
        return list(suggestions)
    whole = _one(plain, suggestions, guess=guess)
    if whole is not None:
        return [whole]
    several = [_one(part, suggestions, guess=guess) for part in _AND.split(plain) if part]
    found = list(dict.fromkeys(one for one in several if one is not None))
    return found if len(found) == len(several) > 1 else None


def _one(reply: str, suggestions: Sequence[Suggestion], *, guess: bool) -> Suggestion | None:
    words = [word for word in reply.split() if word not in _FILLERS]
    bare = _CHINESE_FILLERS.sub("", to_traditional("".join(words))) if _HAN.search(reply) else " ".join(words)
    for said in (reply, bare, *words):
        place = _ORDINALS.get(said)
        if place is not None and len(words) == 1 and -1 <= place < len(suggestions):
            return suggestions[place]
    if not bare:
        return None
    if _HAN.search(bare):
        fitting = [one for one in suggestions if bare in _joined(one)]
    else:
        fitting = [one for one in suggestions if set(words) <= set(_text(one).split())]
    if fitting:
        return fitting[0] if len(fitting) == 1 else None
    return _most_alike(bare, suggestions) if guess else None


def _most_alike(bare: str, suggestions: Sequence[Suggestion]) -> Suggestion | None:
    wanted = bare.replace(" ", "")
    if len(wanted) < 3 and not _HAN.search(wanted):
        return None
    scored = sorted(((_likeness(wanted, one), place) for place, one in enumerate(suggestions)), reverse=True)
    lead = scored[0][0] - (scored[1][0] if len(scored) > 1 else 0.0)
    return suggestions[scored[0][1]] if scored[0][0] >= _LEAST_LIKENESS and lead >= _LEAST_LEAD else None


def _likeness(wanted: str, one: Suggestion) -> float:
    forms = {"".join(form.casefold().split()) for form in (one.name, one.area or "", f"{one.name}{one.area or ''}")}
    return max(fuzz.ratio(wanted, form) for form in forms if form)


def _text(one: Suggestion) -> str:
    return f"{one.name} {one.area or ''}".casefold()


def _joined(one: Suggestion) -> str:
    return to_traditional(f"{one.area or ''}{one.name} {one.name}{one.area or ''}".casefold())
