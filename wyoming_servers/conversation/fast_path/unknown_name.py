"""Sentences that are commands beyond doubt, about something this house does not have.

For a house whose model cannot act: asked to turn on a lamp that does not exist, it would say that the lamp is on.
"""

from __future__ import annotations

import re
from typing import Final

from wyoming_servers.house.layout import HouseLayout

from .nearest import nearest
from .recognition import Doubt, Unsure

MAX_NEAREST: Final = 10
MAX_SUGGESTIONS: Final = 3
# They tell something and take no commands.
_ONLY_TELL: Final = frozenset({"person", "sensor", "binary_sensor", "weather", "sun", "zone", "device_tracker"})

_POLITE: Final = r"(?:please |(?:could|can|would|will) you |hey |ok |okay )*"
_THING: Final = r"(?:the |my |our )(?P<name>[\w'’-]+(?: [\w'’-]+){0,4}?)"
_ENGLISH: Final = tuple(
    re.compile(rf"{_POLITE}{pattern}(?: please| now| for me)*", re.IGNORECASE)
    for pattern in (
        rf"(?:turn|switch) (?P<on>on|off) {_THING}",
        rf"(?:turn|switch) {_THING} (?P<on>on|off)",
        rf"(?:open|close|shut|lock|unlock|dim|activate|deactivate|enable|disable) (?:up )?{_THING}",
    )
)
_CHINESE_POLITE: Final = "(?:請|请|麻煩|麻烦|幫我|帮我|你|可以|能不能)*"
_CHINESE_VERB: Final = "(?:打開|打开|開啟|开启|關掉|关掉|關閉|关闭|關上|关上|鎖上|锁上|解鎖|解锁|啟動|启动|停用)"
_CHINESE: Final = tuple(
    re.compile(f"{_CHINESE_POLITE}{pattern}(?:好嗎|好吗|謝謝|谢谢|吧)?")
    for pattern in (
        f"{_CHINESE_VERB}(?P<name>[^，。！？\\s]{{2,12}}?)",
        f"(?:把|將|将)(?P<name>[^，。！？\\s]{{2,12}}?){_CHINESE_VERB}",
    )
)
# What stands for something said before, for everything, or for several things: thought is needed.
_NO_NAME: Final = re.compile(
    r"\b(it|this|that|these|those|them|one|ones|everything|all|both|and|or|except|but|if|when|then|other|others)\b"
    "|它|這|这|那|全部|所有|每|都|和|跟|與|与|或|除了|一下|什麼|什么|怎麼|怎么",
    re.IGNORECASE,
)


def unknown_name(text: str, language: str, layout: HouseLayout) -> Unsure | None:
    """Return the doubt about a command whose thing has a name nobody here has; None where it may be something else."""
    plain = text.strip(" .!?,。！？，")
    chinese = any("\u3400" <= char <= "\u9fff" for char in plain)
    for pattern in _CHINESE if chinese else _ENGLISH:
        if (match := pattern.fullmatch(plain)) is not None and not _NO_NAME.search(name := match["name"]):
            spoken = language if chinese == language.lower().startswith(("zh", "cmn", "yue")) else _other(chinese)
            near = [one for one in nearest(layout, name, spoken, most=MAX_NEAREST) if _can_be_told(one.entity_id)]
            return Unsure(Doubt.UNKNOWN, "HassTurnOn", spoken, name, tuple(near[:MAX_SUGGESTIONS]))
    return None


def _can_be_told(entity_id: str | None) -> bool:
    return entity_id is not None and entity_id.partition(".")[0] not in _ONLY_TELL


def _other(chinese: bool) -> str:
    return "zh-TW" if chinese else "en"
