"""How long a text takes to say, relative to another: F5-TTS has to be told, and no engine takes texts without end.

F5-TTS itself compares bytes of UTF-8, of which a Chinese character has three, so that an English sentence in a voice
with a Chinese recording comes out at the wrong pace. This counts syllables and pauses instead; how long one of them
lasts is measured on the voice's own recording.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:['’][A-Za-z]+)?")
_VOWELS = re.compile(r"[aeiouy\u00e0-\u00ff]+", re.IGNORECASE)
_IDEOGRAPH = re.compile("[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_DIGIT = re.compile(r"\d")
_SHORT_PAUSE = re.compile(r"[,，、;；:：]|\s[-–—]\s")
_LONG_PAUSE = re.compile(r"[.。!！?？…]+")

_SHORT_PAUSE_SYLLABLES = 0.8
_LONG_PAUSE_SYLLABLES = 1.2
_LEAST = 1.0


def spoken_length(text: str) -> float:
    """Return the length of `text` in syllables, pauses counted as fractions of them; at least 1."""
    syllables = float(sum(_syllables(word) for word in _WORD.findall(text)))
    rest = _WORD.sub(" ", text)
    syllables += len(_IDEOGRAPH.findall(rest)) + len(_HANGUL.findall(rest)) + len(_DIGIT.findall(rest))
    pauses = _LONG_PAUSE_SYLLABLES * len(_LONG_PAUSE.findall(rest))
    pauses += _SHORT_PAUSE_SYLLABLES * len(_SHORT_PAUSE.findall(rest))
    return max(_LEAST, syllables + pauses)


def _syllables(word: str) -> int:
    if len(word) > 1 and word.isupper():
        return len(word) + word.count("W") * 2  # spelled out, letter by letter
    count = len(_VOWELS.findall(word))
    lower = word.lower()
    if count > 1 and lower.endswith("e") and not lower.endswith(("le", "ee", "ie", "ue", "oe")):
        count -= 1  # the silent e of "lamp shade"
    return max(1, count)


def split_text(text: str, most: float) -> list[str]:
    """Cut `text` into pieces of at most `most` syllables: after sentences, then clauses, then words."""
    if spoken_length(text) <= most:
        return [text] if text.strip() else []
    for boundary in (r"(?<=[.!?])\s+|(?<=[。！？…])", r"(?<=[,;:])\s+|(?<=[，、；：])", r"\s+"):
        parts = [part for part in re.split(boundary, text) if part.strip()]
        if len(parts) > 1:
            return [piece for part in _packed(parts, most) for piece in split_text(part, most)]
    half = len(text) // 2  # one word without end
    return [*split_text(text[:half], most), *split_text(text[half:], most)] if half else [text]


def _packed(parts: list[str], most: float) -> list[str]:
    """Join neighbours as long as they fit, so that a text is cut as seldom as possible."""
    packed = [parts[0]]
    for part in parts[1:]:
        glue = " " if packed[-1][-1:].isascii() else ""
        joined = f"{packed[-1]}{glue}{part}"
        if spoken_length(joined) <= most:
            packed[-1] = joined
        else:
            packed.append(part)
    return packed
