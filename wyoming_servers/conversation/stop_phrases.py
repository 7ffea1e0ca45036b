"""Words that mean: stop, I want nothing more of this."""

from __future__ import annotations

import re
from typing import Final

# Whole sentences only: "stop the music" is a command, and none of ours.
_ENGLISH: Final = frozenset(
    {
        "be quiet", "cancel", "cancel that", "enough", "forget about it", "forget it", "never mind", "nevermind",
        "never mind that", "no thank you", "no thanks", "quiet", "shut up", "shush", "silence", "stop", "stop it",
        "stop now", "stop please", "stop talking", "thats enough", "that is enough",
    }
)  # fmt: skip
_CHINESE: Final = frozenset(
    {
        "停", "停下", "停下來", "停下来", "停止", "停一下", "別說了", "别说了", "不要說了", "不要说了",
        "別講了", "别讲了",
        "不用了", "不用", "不要了", "夠了", "够了", "算了", "算了吧", "沒事", "没事", "沒事了", "没事了", "取消",
        "安靜", "忘了吧", "算了忘了吧",
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
