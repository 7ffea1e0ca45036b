"""Text brought into the characters a grammar is written in."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from wyoming_servers.text import to_traditional
from wyoming_servers.text.chinese_script import is_traditional_only

from .grammar import Grammar

if TYPE_CHECKING:
    from opencc import OpenCC

_lock = threading.Lock()


# Characters that are written one way or the other in Taiwan and Hong Kong, without any difference in meaning.
_VARIANTS: Final = str.maketrans("臺檯枱裏牀綫着羣衞", "台台台裡床線著群衛")
_HAN: Final = "[\u3400-\u9fff]"
_SPACE_BESIDE_HAN: Final = re.compile(rf"(?<={_HAN})\s+|\s+(?={_HAN})")


def as_written_in(grammar: Grammar, text: str) -> str:
    """Return text in the grammar's script: Whisper writes Mandarin in Simplified or Traditional as it likes."""
    if not grammar.is_chinese:
        return text
    text = _SPACE_BESIDE_HAN.sub("", text)
    if grammar.is_simplified:
        return _converter().convert(text) if any(map(is_traditional_only, text)) else text
    return to_traditional(text).translate(_VARIANTS)


@lru_cache(maxsize=1)
def _make() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("tw2sp")


def _converter() -> OpenCC:
    with _lock:
        return _make()
