"""Simplified and Traditional Chinese: telling them apart, and converting to what Taiwan writes."""

from __future__ import annotations

import json
import re
import tempfile
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from opencc import OpenCC

ChineseVariant = Literal["simplified", "traditional"]

_CLAUSE: Final = re.compile(r"[^，。！？；：、…\n,.!?;:]*+[，。！？；：、…\n,.!?;:]*+")
_KANA: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_BIG5_FREQUENT: Final = range(0xA440, 0xC67F)
_GB2312_FREQUENT: Final = range(0xB0A1, 0xD7FA)

_NOT_TELLING: Final = frozenset(
    "伎侄侗傈傣僳哆啥坯垛墒夯忻憋憨扦挎捅掂掇掐搐撂撅斌枷棱椽椿毖氰沏淖滁潞炔烷痹眯瞅砒硅硒硷碴秸稗箍粘耪胺苫茬菇菏蓖蔫蜒踊"
    "蹭邯郴酚酞酮酶醚醛靳"
)
"""Rarer characters that both write the same, though the frequent part of Big5 does not have them."""

_SIMPLIFIED_WORDS: Final = re.compile("[什甚怎那多要]么")
"""Both write each of the characters (Traditional: 老么), but only Simplified these words."""

_lock: Final = threading.Lock()


def to_traditional(text: str, *, taiwan_phrases: bool = True) -> str:
    """Convert Simplified Chinese to Traditional as written in Taiwan; `taiwan_phrases`: its words too (軟體, 滑鼠).

    Clauses without a character that only Simplified Chinese uses stay as they are: converting Traditional text again
    would change words that are right (文件 is a document, not only a file). English and Japanese stay as well.
    """
    if _KANA.search(text):
        return text
    return _CLAUSE.sub(lambda clause: _convert_clause(clause[0], taiwan_phrases=taiwan_phrases), text)


def chinese_variant(text: str) -> ChineseVariant | None:
    """Say which Chinese `text` is written in; None where its characters are in both (or there are none)."""
    simplified = sum(map(is_simplified_only, text))
    traditional = sum(map(is_traditional_only, text))
    if simplified == traditional:
        return None
    return "simplified" if simplified > traditional else "traditional"


@lru_cache(maxsize=4096)
def is_simplified_only(char: str) -> bool:
    """Say whether only Simplified Chinese uses `char`.

    The two old national character sets hold this knowledge: frequent in mainland China's, not frequent in Taiwan's.
    """
    return (
        _code(char, "gb2312") in _GB2312_FREQUENT
        and _code(char, "big5") not in _BIG5_FREQUENT
        and char not in _NOT_TELLING
    )


@lru_cache(maxsize=4096)
def is_traditional_only(char: str) -> bool:
    """Say whether only Traditional Chinese uses `char`."""
    return _code(char, "big5") in _BIG5_FREQUENT and _code(char, "gb2312") == 0


def _code(char: str, charset: str) -> int:
    if char.isascii():
        return 0
    try:
        return int.from_bytes(char.encode(charset), "big")
    except UnicodeEncodeError:
        return 0


def _convert_clause(clause: str, *, taiwan_phrases: bool) -> str:
    if not any(map(is_simplified_only, clause)) and not _SIMPLIFIED_WORDS.search(clause):
        return clause
    with _lock:  # the converter's native code is not documented to be reentrant
        converted = str(_converter("s2twp" if taiwan_phrases else "s2tw").convert(clause))
    # 臺 is the dictionary form, 台 what people write
    return converted if "臺" in clause else converted.replace("臺", "台")


@lru_cache(maxsize=2)
def _converter(config: str) -> OpenCC:
    """Load a conversion on first use: its dictionaries take 27 MB, and would take 43 MB as shipped.

    OpenCC's own configurations first cut a text into words, by another copy of the phrases that convert it. The
    phrases match whole words anyway.
    """
    from opencc import OpenCC

    if (lean := _without_segmentation(config)) is None:
        return OpenCC(config)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as file:
        json.dump(lean, file)
        file.flush()
        return OpenCC(file.name)


def _without_segmentation(config: str) -> dict[str, Any] | None:
    """Return one of OpenCC's configurations without its first step; None where it is not found in the package."""
    import opencc

    folder = Path(opencc.__file__).parent / "clib" / "share" / "opencc"

    def located(node: Any) -> Any:
        if isinstance(node, list):
            return [located(item) for item in node]
        if isinstance(node, dict):
            return {key: str(folder / value) if key == "file" else located(value) for key, value in node.items()}
        return node

    try:
        tree = json.loads((folder / f"{config}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {key: located(value) for key, value in tree.items() if key != "segmentation"}
