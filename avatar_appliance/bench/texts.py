"""Fixed texts for bursts: the same for everybody, so that figures of two machines can be compared.

The first two speeches have no clause mark, so that every server speaks them in one piece; the third is what an early
first clause gains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

_QUESTIONS = {
    "en": {"question": "What is the capital of Australia?"},
    "zh": {"question": "澳洲的首都是哪裡？"},
}
_SPEECHES = {
    "en": {
        "short": "The kitchen light is on.",
        "sentence": "The washing machine in the basement will be finished in about twenty minutes.",
        "two-sentences": "It is raining at the moment, so take an umbrella with you. "
        "The sun comes out again late in the afternoon.",
    },
    "zh": {
        "short": "廚房的燈已經打開了。",
        "sentence": "地下室的洗衣機大約再過二十分鐘就會洗好衣服了。",
        "two-sentences": "現在外面正在下雨，出門的時候記得帶一把傘。下午晚一點太陽就會再出來。",
    },
}


class FixedText(NamedTuple):
    """A text to ask or to speak; `item` is its name in the report, such as en-short."""

    item: str
    text: str
    language: str


def questions(languages: Iterable[str | None]) -> list[FixedText]:
    """Return the question of each language we have one in; English where we have none."""
    return _choose(_QUESTIONS, languages)


def speeches(languages: Iterable[str | None]) -> list[FixedText]:
    """Return the texts to speak in each language we have some in; English where we have none."""
    return _choose(_SPEECHES, languages)


def _choose(texts: Mapping[str, Mapping[str, str]], languages: Iterable[str | None]) -> list[FixedText]:
    tags = {_bare(tag): tag for tag in languages if tag and _bare(tag) in texts} or {"en": "en"}
    return [FixedText(f"{bare}-{name}", text, tag) for bare, tag in tags.items() for name, text in texts[bare].items()]


def _bare(tag: str) -> str:
    return tag.replace("_", "-").split("-")[0].lower()
