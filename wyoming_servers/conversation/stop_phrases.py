"""Words that mean: stop, I want nothing more of this."""

from __future__ import annotations

import re
from typing import Final

# Whole sentences only: "stop the music" is a command, and none of ours.
_ENGLISH: Final = frozenset(
    {
        "be quiet", "be silent", "cancel", "cancel that", "enough", "forget about it", "forget it", "hush",
        "never mind", "never mind that", "nevermind", "no thank you", "no thanks", "quiet", "shush", "shut up",
        "silence", "stop", "stop it", "stop now", "stop please", "stop reading", "stop speaking", "stop stop",
        "stop stop stop", "stop talking", "stop that", "that is all", "that is enough", "that will do", "thatll do",
        "thats all", "thats enough",
    }
)  # fmt: skip
_CHINESE: Final = frozenset(
    {
        "停", "停下", "停下來", "停下来", "停止", "停一下", "別說了", "别说了", "不要說了", "不要说了",
        "別講了", "别讲了",
        "不用了", "不用", "不要了", "夠了", "够了", "算了", "算了吧", "沒事", "没事", "沒事了", "没事了", "取消",
        "安靜", "忘了吧", "算了忘了吧", "停停", "停停停", "先停", "先停一下", "停止說話", "停止说话",
        "不說了", "不说了",
        "不要再說了", "不要再说了", "別再說了", "别再说了", "不要講了", "不要讲了", "不要再講了", "不要再讲了",
        "別念了", "别念了", "不用回答了", "不用講了", "不用讲了", "可以了", "住口", "住嘴", "夠了夠了", "够了够了",
        "安静", "閉嘴", "闭嘴", "好了別說了", "好了别说了", "不用說了", "不用说了",
    }
)  # fmt: skip
_ENGLISH_FRAME: Final = re.compile(r"^(?:(?:please|ok|okay|hey|no|oh|well)\s+)+|(?:\s+(?:please|thanks|thank you))+$")
_CHINESE_FRAME: Final = re.compile(r"^[請请好那嗯]+(?=.)|[了吧啦喔哦謝谢]+$")


def is_stop(text: str) -> bool:
    """Return whether a sentence says nothing but: stop."""
    if len(text) > 40:
        return False
    plain = " ".join(re.sub(r"[^\w\s]|_", "", text.replace("-", " ")).casefold().split())
    framed = _ENGLISH_FRAME.sub("", plain).strip()
    joined = plain.replace(" ", "")
    bare = _CHINESE_FRAME.sub("", joined)
    return plain in _ENGLISH or framed in _ENGLISH or joined in _CHINESE or bare in _CHINESE
