"""Is it the box's own speech, a person's, or first the one and then the other?

A person must never be ignored, so that three rules are narrow. Without evidence from the voice only speech counts that
is long, nearly word for word and was heard while the box surely spoke: who answers a question in its own words does so
when it has been asked. Nothing heard before or after the box's words may be left over: that is a person's. And words
that are a person's are cut from the box's only where it is clear where they begin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from avatar_appliance.speech.said import Said
from wyoming_servers.text import detect_language, speakable

from .evidence import Evidence
from .overlap import Overlap, overlap
from .tokens import Token, tokens

REJECTED: Final = "echo"
"""The reason in a stage's detail."""
LONG_S: Final = 2.0
"""About nine Chinese characters, or six English words; shorter than that people say the same by chance."""
NEARLY_VERBATIM: Final = 0.9
IN_ITS_VOICE: Final = 0.7
"""Likeness that is enough in the box's own voice: what a room leaves of a sentence is full of mistakes."""
# Nearly all of a question, and not only the part of it that is a good answer.
_WHOLE: Final = 0.9
_QUESTION: Final = re.compile(r"[?？]|[嗎吗呢](?:[\s。，,.!！]|$)")
_PAUSE: Final = re.compile(r"[.。!！?？,，;；:：…、]")
_MOST_CUTS: Final = 4
# An utterance with more words than this is no echo, and would take time to compare.
_MOST_TOKENS: Final = 400

VoiceOf = Callable[[Said], Evidence]


@dataclass(frozen=True, slots=True)
class EchoVerdict:
    """What is left of a transcript."""

    text: str
    rejected: str | None = None
    """Why it is empty, if it is."""
    cut: bool = False
    """Whether the box's words were cut off, and `text` is what a person said after them."""


def judge_echo(text: str, language: str | None, said: Sequence[Said], voice_of: VoiceOf) -> EchoVerdict:
    """Return what of `text` is a person's; `voice_of` says whether the utterance is in the voice of something said."""
    left, cut = text, False
    for _ in range(_MOST_CUTS):
        heard = tokens(left)
        if not heard or len(heard) > _MOST_TOKENS:
            break
        # Once something was cut, the voice of the whole says nothing about what is left.
        found = list(_overlaps(left, heard, language, said))
        if any(_is_echo(one, of, Evidence.NONE if cut else voice_of(of)) for one, of, _ in found):
            return EchoVerdict("", REJECTED)
        starts = [
            heard[len(heard) - one.tail].start
            for one, of, is_raw in found
            if is_raw and voice_of(of) is not Evidence.ANOTHERS and _ends_before_a_person(one, of, left, heard)
        ]
        if not starts:
            break
        left, cut = left[max(starts) :], True
    return EchoVerdict(left, cut=cut)


def may_be_echo(text: str, language: str | None, said: Sequence[Said]) -> bool:
    """Tell whether the sound of the voice is worth waiting for: whether it could make a difference."""
    in_its_voice = judge_echo(text, language, said, lambda _: Evidence.BOX)
    in_any = judge_echo(text, language, said, lambda _: Evidence.NONE)
    return any(verdict.rejected or verdict.cut for verdict in (in_its_voice, in_any))


def _overlaps(
    text: str, heard: Sequence[Token], language: str | None, said: Sequence[Said]
) -> Iterator[tuple[Overlap, Said, bool]]:
    """Yield how the text lies on each one said: as it was written down, and as it would be read aloud ("21" is not)."""
    read = tokens(speakable(text, language or detect_language(text, ["en", "zh"]) or "en"))
    is_same = [token.key for token in read] == [token.key for token in heard]
    for one in said:
        spoken = tokens(one.text)
        if (raw := overlap(heard, spoken)) is not None:
            yield raw, one, True
        if not is_same and (aloud := overlap(read, spoken)) is not None:
            yield aloud, one, False


def _is_echo(found: Overlap, said: Said, voice: Evidence) -> bool:
    if voice is Evidence.BOX:
        return found.ends_may_be_misheard and found.likeness >= IN_ITS_VOICE
    return voice is Evidence.NONE and found.is_all_heard and _is_surely_the_box(found, said)


def _is_surely_the_box(found: Overlap, said: Said) -> bool:
    if not said.playing or found.said_s < LONG_S or found.likeness < NEARLY_VERBATIM:
        return False
    return found.share_of_said >= _WHOLE or not _QUESTION.search(said.text)


def _ends_before_a_person(found: Overlap, said: Said, text: str, heard: Sequence[Token]) -> bool:
    """Tell whether the box's words come first, and it is clear where a person's begin."""
    if found.head or not found.tail or not _is_surely_the_box(found, said):
        return False
    last, first = heard[len(heard) - found.tail - 1], heard[len(heard) - found.tail]
    return found.said_after == 0 or _PAUSE.search(text[last.end : first.start]) is not None
