"""Ids of profiles: short, for ever, and fit for a folder and for Home Assistant's name of the voice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

_MOST_CHARS = 32  # leaves room for a number within the 40 that an id may have
# What the TTS server appends to an id for the other tier, and for a later version.
_RESERVED_END = re.compile(r"-(studio|v\d+)$")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")


def new_voice_id(name: str, taken: Collection[str]) -> str:
    """Return an id like `name` (Chinese in pinyin) that is not in `taken`."""
    text = unicodedata.normalize("NFKD", _romanised(name)).encode("ascii", "ignore").decode("ascii").lower()
    base = re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:_MOST_CHARS].strip("-") or "voice"
    if _RESERVED_END.search(base):
        base += "-voice"
    number, found = 1, base
    while found in taken:
        number += 1
        found = f"{base}-{number}"
    return found


def _romanised(name: str) -> str:
    if not _HAN.search(name):
        return name
    from pypinyin import lazy_pinyin  # only here: its dictionary is large, and most names need none

    return " ".join(lazy_pinyin(name))
