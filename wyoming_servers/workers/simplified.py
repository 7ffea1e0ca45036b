"""Traditional Chinese as the engines need it that were trained on Simplified text only.

Word segmentation and phrase readings of F5-TTS and CosyVoice know Simplified characters: 音樂銀行 is misread (le4,
xing2), 音乐银行 is not. The words stay those of Taiwan (軟體, not 软件): only the characters change, and only for the
engine.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opencc import OpenCC

_lock = threading.Lock()


def to_simplified(text: str) -> str:
    """Return `text` with Traditional characters replaced by Simplified ones; all else stays."""
    if text.isascii():
        return text
    with _lock:  # the converter's native code is not documented to be reentrant
        return str(_converter().convert(text))


@lru_cache(maxsize=1)
def _converter() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("tw2s")
