"""The messages on the speech socket, framed as Wyoming events.

    conversation server                 text-to-speech server
    AnswerPart       ------------->     more of an answer's text, as it streams
    AnswerEnded      ------------->     it is complete, or nobody will ask for it (any more)

    control plane
    FiguresWanted    ------------->
                     <-------------     SpeechFigures

    speech-to-text server
    SaidWanted       ------------->
                     <-------------     SaidLately

Answers get no reply: it is help that may be lost. The end of a connection ends its open answers. What cannot be used is
answered with `error`, and the connection closed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, TypeVar

from pydantic import ConfigDict, Field, StringConstraints
from wyoming.event import Event

from avatar_appliance.errors import BadRequest
from avatar_appliance.wire import FrameLimits
from avatar_appliance.wire.typed import decode, encode

from .said import SaidLately, SaidWanted

SPEECH_SOCKET = "speech.sock"
"""In the runtime folder."""
LIMITS = FrameLimits(header_bytes=4096, data_bytes=64 * 1024, payload_bytes=0)
MOST_PART_CHARS = 8_000

AnswerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Place = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Count = Annotated[int, Field(ge=0)]

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPart:
    """More text of an answer; where it will be heard chooses the voice."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "answer-part"

    answer_id: AnswerId
    text: Annotated[str, StringConstraints(max_length=MOST_PART_CHARS)] = field(repr=False)
    offset: Count
    """Characters of the answer before these."""
    conversation_id: Place | None = None
    satellite_id: Place | None = None
    device_id: Place | None = None
    utterance: AnswerId | None = None
    """Id of the utterance that it answers, where that is known: its speaker's own voice may be wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerEnded:
    """No more text of an answer."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "answer-ended"

    answer_id: AnswerId
    cancelled: bool = False
    """Whether it will not be asked for: somebody hung up, or said stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresWanted:
    """Ask how it is doing."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "speech-figures-wanted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechFigures:
    """Counts since the server's start; pieces are sentences or the first clause of one."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "speech-figures"

    cache_hits: Count = 0
    cache_misses: Count = 0
    cache_entries: Count = 0
    cache_bytes: Count = 0
    cache_limit_bytes: Count = 0
    ahead_enabled: bool = False
    ahead_answers: Count = 0
    """Answers that were handed over while they were written."""
    ahead_made: Count = 0
    """Pieces an engine was put to work on ahead of time."""
    ahead_used: Count = 0
    """Of those, the ones that were asked for, complete or still under way."""
    ahead_wasted: Count = 0
    """Of those, the ones that nobody asked for in time, or that were called off."""


Told = AnswerPart | AnswerEnded | FiguresWanted | SaidWanted
Answered = SpeechFigures | SaidLately
TOLD: tuple[type[Told], ...] = (AnswerPart, AnswerEnded, FiguresWanted, SaidWanted)
ANSWERED: tuple[type[Answered], ...] = (SpeechFigures, SaidLately)

_Message = TypeVar("_Message", bound=Told | Answered)


def to_event(message: Told | Answered) -> Event:
    """Return a message as it travels."""
    return encode(message.event_type, message)


def from_event(event: Event, kinds: tuple[type[_Message], ...]) -> _Message:
    """Return the message that an event carries, one of `kinds`; raises BadRequest or FrameTooLarge."""
    for kind in kinds:
        if event.type == kind.event_type:
            return decode(kind.event_type, kind, event)
    raise BadRequest("a message of an unknown type")
