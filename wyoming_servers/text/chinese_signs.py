"""Addresses and signs in Chinese words, and the punctuation between the two scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from wyoming_servers.text.chinese_units import CURRENCIES, UNITS
from wyoming_servers.text.scripts import HAN_RANGES, KANA_RANGES

_Replacement = str | Callable[[re.Match[str]], str]

_HAN: Final = f"[{HAN_RANGES}{KANA_RANGES}]"
_WIDE: Final = f"[{HAN_RANGES}{KANA_RANGES}，。！？；：、…]"
_WIDE_MARKS: Final = str.maketrans(",.!?;:", "，。！？；：")
_LONE_UNITS: Final = "|".join(
    re.escape(unit)
    for unit in sorted(UNITS, key=len, reverse=True)
    if "/" in unit or "^" in unit or unit in ("°C", "°F", "kWh")
)
_PER: Final = r"(?=小時|小时|秒|分|天|日|週|周|月|年|次|人|個|个|度|公斤|公升|坪|晚|趟)"

_BEFORE_NUMBERS: Final[tuple[tuple[re.Pattern[str], _Replacement], ...]] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (
            r"(?a:(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}+)",
            lambda match: _address(match[0]),
        ),
        (r"(?<=[A-Za-z0-9])\.(?=[A-Za-z]{2})", " 點 "),
        (r"(?<=[零一二三四五六七八九])[○◯](?=[零一二三四五六七八九○年])|(?<=二)[○◯]", "零"),
        ("〇", "零"),
        (r"(?<=[日\d])\s?[（(](?:週|周|星期)?([一二三四五六日])[)）]", r"，星期\1，"),
        (r"(，星期.)，\s*+$", r"\1"),
        (r"(?<=\d)\s?度\s?([CF])(?![A-Za-z0-9])", r"°\1"),
        (r"零下\s?(?=\d{1,3}(?:\.\d{1,2})?\s?°[CF])", "-"),
        (r"(?<![\w)%<])<(?=[\d$€£-])", "小於"),
        (r"(?<![\w)%>=-])>(?=[\d$€£-])", "大於"),
        (r"(?<=\d)\"(?=\s?[螢屏電顯])", "吋"),
        (r"(?<=[A-Za-z])\.(?=\d)", " "),
        (r"(?a:(?<![\w.])(?i:nos?)\.\s?(?=#?\d))", "#"),
        (r"(?<=\d)：(?=\d)", ":"),
        (r"(?<=\d)．(?=\d)", "."),
        (rf"(?a:(?<![\w/°^])(?<!\d\s)(?:{_LONE_UNITS})(?![\w/^]))", lambda match: "".join(UNITS[match[0]])),
    )
)

_AFTER_NUMBERS: Final[tuple[tuple[re.Pattern[str], _Replacement], ...]] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<=[週周期拜][一二三四五六日天])\s?[~-]\s?(?=[週周星禮一二三四五六日])", "到"),
        (r">=|≥|≧", "大於等於"),
        (r"<=|≤|≦", "小於等於"),
        (r"!=|≠", "不等於"),
        (r"\+/-|±", "正負"),
        (r"[-=]{1,3}>|[→⇒]", "到"),
        (r"(?<=[\w)%])\s?<\s?(?=[\w(])", "小於"),
        (r"(?<=[\w)%])\s?>\s?(?=[\w(])", "大於"),
        (r"(?<=[A-Z])\+\+", " 加加 "),
        (r"\++", " 加 "),
        (r"=+", "等於"),
        (r"(?<=[\w)])(\s?)\*\*\1(?=[\w(])", "的次方"),
        (r"(?<=[\w)])(\s?)[*×]\1(?=[\w(])", "乘以"),
        (r"÷", "除以"),
        (r"≈", "約等於"),
        (r"√", "根號"),
        (r"∞", "無限大"),
        (rf"(?<={_HAN})\s?/\s?{_PER}", "每"),
        (rf"(?<={_HAN})\s?/\s?(?={_HAN})", "或"),
        (r"&+", " 和 "),
        (r"%", "百分比"),
        (r"‰", "千分比"),
        (r"°", "度"),
        (r"π", " pi "),
        (r"[ΩΩ]", "歐姆"),
        (r"μ(?![a-zα-ω])", "微"),
        (r"[$€£¥₩₹฿₫₽¢]", lambda match: CURRENCIES[match[0]]),
        (rf"-(?={_HAN})|(?<={_HAN})-", " "),
        (r"[)\]}）】〕]\s*$", " "),
        (r"(?<=\s)[-–]{1,3}(?=\s)|--+|[—–]+|[(){}\[\]（）【】〔〕|]", "，"),
        (r"[·•・]", " "),
    )
)

_BETWEEN_WIDE: Final = re.compile(rf"(?<={_WIDE}) (?={_WIDE})|(?<=[，。！？；：、…]) | (?=[，。！？；：、…])")
_BETWEEN_SCRIPTS: Final = re.compile(rf"(?<={_HAN})(?=[A-Za-z])|(?<=[A-Za-z])(?={_HAN})")
_AFTER_HAN: Final = re.compile(rf"(?<={_HAN}) ?(?:\.{{2,}}|([,.!?;:])) ?")
_BEFORE_HAN: Final = re.compile(rf" ?([,.!?;:]) ?(?={_HAN})")
_SIMPLIFIED: Final = str.maketrans(
    "兩點萬億負攝華氣號時後於學樓倍複雜種類碼頃歐幣圓鎊盧銖韓價電轉鐘總週無線連結數個張條間來對從說這為與單雙門開關"
    "貝頓納壓熱馬",
    "两点万亿负摄华气号时后于学楼倍复杂种类码顷欧币圆镑卢铢韩价电转钟总周无线连结数个张条间来对从说这为与单双门开关"
    "贝顿纳压热马",
)


def expand_words(text: str) -> str:
    """Write addresses out; to be done before numbers are rewritten."""
    return _applied(_BEFORE_NUMBERS, text)


def expand_signs(text: str) -> str:
    """Say the signs left when numbers are words."""
    return _applied(_AFTER_NUMBERS, text)


def tidy_spacing(text: str) -> str:
    """Space only between Chinese and other words, and Chinese punctuation beside Chinese characters."""
    text = _AFTER_HAN.sub(_wide_mark, text)
    text = _BEFORE_HAN.sub(_wide_mark, text)
    return _BETWEEN_SCRIPTS.sub(" ", _BETWEEN_WIDE.sub("", text))


def to_simplified(text: str) -> str:
    """Write the words this normaliser says in Simplified characters."""
    return text.translate(_SIMPLIFIED)


def _address(address: str) -> str:
    return address.replace("@", " 小老鼠 ").replace(".", " 點 ").replace("_", " 底線 ")


def _wide_mark(match: re.Match[str]) -> str:
    return "……" if match[1] is None else match[1].translate(_WIDE_MARKS)


def _applied(rules: tuple[tuple[re.Pattern[str], _Replacement], ...], text: str) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text
