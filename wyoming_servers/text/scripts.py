"""Which script a character belongs to, told by code point alone."""

from __future__ import annotations

import re
from typing import Final

HAN_RANGES: Final = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
KANA_RANGES: Final = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9d"
HANGUL_RANGES: Final = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
LATIN_RANGES: Final = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a"

_CJK = re.compile(f"[{HAN_RANGES}{KANA_RANGES}]")
_HAN = re.compile(f"[{HAN_RANGES}]")
_WIDE = re.compile(f"[{HAN_RANGES}{KANA_RANGES}{HANGUL_RANGES}]")


def is_han(char: str) -> bool:
    """Say whether `char` is a Chinese character; the empty string is not."""
    return _HAN.match(char) is not None


def is_cjk(char: str) -> bool:
    """Say whether `char` is a Chinese character or a kana: scripts written without spaces."""
    return _CJK.match(char) is not None


def is_wide(char: str) -> bool:
    """Say whether `char` is spoken as about a whole syllable (Han, kana or Hangul)."""
    return _WIDE.match(char) is not None
