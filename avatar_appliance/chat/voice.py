"""A voice that can be chosen for the answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wyoming.info import TtsProgram


@dataclass(frozen=True, slots=True)
class ChatVoice:
    """One of the text-to-speech server's list: `name` is what it is asked for by, `title` what people read."""

    name: str
    title: str
    languages: tuple[str, ...]


def voices_of(programs: Iterable[TtsProgram]) -> tuple[ChatVoice, ...]:
    """Return the voices on offer, each name once."""
    found: dict[str, ChatVoice] = {}
    for program in programs:
        for voice in program.voices if program.installed else ():
            if voice.installed:
                found.setdefault(
                    voice.name, ChatVoice(voice.name, voice.description or voice.name, tuple(voice.languages))
                )
    return tuple(found.values())
