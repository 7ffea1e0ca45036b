"""The many ways Unicode has to write the same thing, folded to the one the normalisers know."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

_FOLDED: Final = {
    **dict.fromkeys("‐‑‒−﹣－⁃", "-"),
    **dict.fromkeys("〜～∼˜", "~"),
    **dict.fromkeys("‘’‛ʼ′｀´", "'"),
    **dict.fromkeys("“”„‟«»″〝〞＂", '"'),
    **dict.fromkeys("⁄∕", "/"),
    **dict.fromkeys("∗⁎", "*"),
    **dict.fromkeys("•‧・∙⋅●", "·"),
    **dict.fromkeys("⟶➔➜", "→"),
    **dict.fromkeys("\u00ad\u200b\ufeff", ""),
    "㎡": "m^2",
    "㎥": "m^3",
    "㎠": "cm^2",
    "㎢": "km^2",
    "℃": "°C",
    "℉": "°F",
    "º": "°",
    "№": "No. ",
    "µ": "μ",
    "®": "",
    "©": "",
    "™": "",
    "―": "—",
    "﹪": "%",
    "٪": "%",
}
_KEPT: Final = frozenset("，！？：；（）、。～…￥“”‘’\u3000")
"""Chinese punctuation, which a compatibility decomposition would turn into ASCII."""
_SUPERSCRIPTS: Final = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹")
_UNWRITTEN: Final = frozenset({"Cf", "Cc", "Co", "Cs", "Cn"})


def fold(text: str) -> str:
    """Return `text` with digits in ASCII, one kind of dash and quote, `²` as `^2`, `½` as `1/2`, no control signs."""
    if text.isascii() and text.isprintable():
        return text
    folded: list[str] = []
    before = ""
    for char in unicodedata.normalize("NFC", text):
        if char in _SUPERSCRIPTS:
            piece = unicodedata.normalize("NFKC", char) if before in _SUPERSCRIPTS else "^" + _fold_char(char)
        else:
            piece = _fold_char(char)
            if "/" in piece and char != "/" and before.isdigit():
                piece = " " + piece  # 1½ is "1 1/2"
        folded.append(piece)
        before = char
    return "".join(folded)


@lru_cache(maxsize=4096)
def _fold_char(char: str) -> str:
    known = _FOLDED.get(char)
    if known is not None:
        return known
    if (char.isascii() and char.isprintable()) or char in _KEPT:
        return "¥" if char == "￥" else " " if char == "\u3000" else char
    if char.isspace():
        return "\n" if char in "\n\r\x85\u2028\u2029" else " "
    category = unicodedata.category(char)
    if category in _UNWRITTEN:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category in ("No", "Nl") and unicodedata.normalize("NFKC", char) == char:
        value = unicodedata.numeric(char, None)
        if value is not None and char != "〇" and value == int(value):
            return f" {int(value)} "
        return char
    plain = unicodedata.normalize("NFKC", char)
    if plain == char:
        return char
    return "".join(_FOLDED.get(part, part) for part in plain)
