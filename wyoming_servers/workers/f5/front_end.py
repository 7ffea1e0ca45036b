"""The text as F5-TTS was trained on it."""

from __future__ import annotations

import re

from wyoming_servers.workers.simplified import to_simplified

_CAPITALISED = re.compile(r"\b[A-Z][a-z]+\b")
_SENTENCE_END = re.compile(r"([.!?])(?=[A-Za-z])")
_SPACES = re.compile(r"\s+")
_ENDS = (".", "!", "?", "。", "！", "？", "…")


def speech_text(text: str) -> str:
    """Return what is to be said: Simplified Chinese, words in small letters (capitals are spelled out by the model)."""
    text = _SPACES.sub(" ", to_simplified(text)).strip()
    text = _CAPITALISED.sub(lambda word: word[0].lower(), text)
    return _SENTENCE_END.sub(r"\1 ", text)


def reference_text(text: str) -> str:
    """Return the transcript of a recording; it ends as a sentence does, or the model runs on into the next text."""
    text = speech_text(text)
    if not text.endswith(_ENDS):
        text += "."
    return text if text.endswith("。") else f"{text} "


def joined_tokens(before: list[str], after: list[str]) -> list[str]:
    """Join the tokens of two texts as the package would those of both together: Latin words stand apart."""
    if before and len(after) > 1 and before[-1] not in " :'\"" and after[0].isascii() and after[0].isalnum():
        return [*before, " ", *after]
    return [*before, *after]
