"""What is said when something was not done, or only in part: short, honest, in the asker's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_SENTENCES: Final[dict[str, dict[str, str]]] = {
    "en": {
        "home-assistant-away": "I cannot reach Home Assistant right now, so nothing was changed.",
        "home-assistant-timeout": "Home Assistant did not answer in time. Please check whether it worked.",
        "home-assistant-refused": "Home Assistant does not let me in. The access token needs to be renewed.",
        "home-assistant-mcp-missing": "Home Assistant has no tools for me yet.",
        "tool-unknown": "Home Assistant does not offer that any more.",
        "no-valid-targets": "I found nothing in the house that this could be meant for.",
        "failed-to-handle": "Home Assistant could not do that.",
        "no-timer-support": "I cannot start a timer on this device.",
        "unreachable": "{names} cannot be reached.",
        "failed": "That did not work for {names}.",
        "unconfirmed": "I told {names}, but there is no confirmation yet.",
        "which": "Which one do you mean: {names}?",
        "did-you-mean": "Did you mean {names}?",
        "nothing-there": "There is nothing like that in {place}.",
        "nothing-there-here": "There is nothing like that here.",
        "elsewhere": "{name} is not in {place}.",
        "unknown-name": "I know nothing called {name}.",
        "which-room": "In which room? Please say it with the name of the room.",
        "in": "{name} in {area}",
        "and": " and ", "or": " or ", "comma": ", ",
        "": "That did not work.",
    },
    "zh": {
        "home-assistant-away": "我現在連不上 Home Assistant，所以什麼都沒有變更。",
        "home-assistant-timeout": "Home Assistant 沒有及時回應，請確認是否成功。",
        "home-assistant-refused": "Home Assistant 拒絕了我，存取權杖需要更新。",
        "home-assistant-mcp-missing": "Home Assistant 還沒有提供工具給我。",
        "tool-unknown": "Home Assistant 已經不提供這個功能了。",
        "no-valid-targets": "我在家裡找不到符合的裝置。",
        "failed-to-handle": "Home Assistant 無法完成這個動作。",
        "no-timer-support": "這個裝置不能設定計時器。",
        "unreachable": "{names}連不上。",
        "failed": "{names}沒有成功。",
        "unconfirmed": "已經通知{names}，但還沒有收到確認。",
        "which": "你是指哪一個：{names}？",
        "did-you-mean": "你是指{names}嗎？",
        "nothing-there": "{place}沒有這樣的裝置。",
        "nothing-there-here": "這裡沒有這樣的裝置。",
        "elsewhere": "{name}不在{place}。",
        "unknown-name": "我不知道什麼是{name}。",
        "which-room": "是哪個房間？請連房間名稱一起說。",
        "in": "{area}的{name}",
        "and": "和", "or": "還是", "comma": "、",
        "": "這個沒有成功。",
    },
}  # fmt: skip


def failure_sentence(key: str, language: str, **values: str) -> str:
    """Return the sentence for an error code or one of the keys above; a general one for a key that has none."""
    words = _words(language)
    return words.get(key, words[""]).format(**values)


def listed(names: Sequence[str], language: str, *, last: str = "and") -> str:
    """Join names as people say them ("A, B and C"); `last` is "and" or "or"."""
    words = _words(language)
    if len(names) < 2:
        return "".join(names)
    return words["comma"].join(names[:-1]) + words[last] + names[-1]


def has_sentence(key: str) -> bool:
    """Whether there are words of its own for a key."""
    return key in _SENTENCES["en"]


def _words(language: str) -> dict[str, str]:
    return _SENTENCES["zh" if language.lower().startswith(("zh", "cmn", "yue")) else "en"]
