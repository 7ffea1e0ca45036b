"""Which of its languages Qwen3-TTS is told that a text is in."""

from __future__ import annotations

import re
from collections.abc import Sequence

AUTO = "Auto"
"""The model finds out by itself."""
CHINESE = "Chinese"
_NAMES = {
    "zh": CHINESE,
    "en": "English",
    "ja": "Japanese",
    "ko": "Korean",
    "de": "German",
    "fr": "French",
    "ru": "Russian",
    "pt": "Portuguese",
    "es": "Spanish",
    "it": "Italian",
}
_LATIN = ("en", "de", "fr", "pt", "es", "it")

_KANA = re.compile("[\u3041-\u30fe\uff66-\uff9d]")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")
_LETTER = re.compile(r"[^\W\d_]")


def language_of(text: str, spoken: Sequence[str]) -> str:
    """Return the name of the language of `text` in a voice that speaks `spoken` (BCP 47 tags).

    The script decides where it can: Chinese with an English word in it is Chinese. Latin letters are the one language
    of the voice that has them, English where it has none, and for the model to tell where it has several.
    """
    bare = [tag.replace("_", "-").lower().split("-")[0] for tag in spoken]
    if _KANA.search(text):
        return _NAMES["ja"]
    if _IDEOGRAPH.search(text):
        return _NAMES["ja"] if "ja" in bare and "zh" not in bare else CHINESE
    if _HANGUL.search(text):
        return _NAMES["ko"]
    if _CYRILLIC.search(text):
        return _NAMES["ru"]
    if not _LETTER.search(text):  # digits are read in the voice's first language
        return next((_NAMES[tag] for tag in bare if tag in _NAMES), AUTO)
    latin = list(dict.fromkeys(tag for tag in bare if tag in _LATIN)) or ["en"]
    return _NAMES[latin[0]] if len(latin) == 1 else AUTO
