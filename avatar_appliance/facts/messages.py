"""The messages on the facts socket, framed as Wyoming events: one request on a connection, one answer, the end.

    data plane                          control plane
    RecallWanted     ------------->     who speaks, what is known of them, what was spoken of the last answer
                     <-------------     Recalled
    RememberWanted   ------------->
                     <-------------     Remembered
    ForgetWanted     ------------->
                     <-------------     Forgotten

What cannot be done is answered with `error` (code and text), as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, TypeVar

from pydantic import ConfigDict, Field, StringConstraints
from wyoming.event import Event

from avatar_appliance.errors import BadRequest
from avatar_appliance.wire import FrameLimits
from avatar_appliance.wire.typed import decode, encode

from .fact import Epoch, Fact, FactId, FactText, Id, LearnedBy, Origin, Speaker

FACTS_SOCKET = "facts.sock"
"""In the runtime folder."""
LIMITS = FrameLimits(header_bytes=64 * 1024, data_bytes=2**20, payload_bytes=0)
MOST_FACTS = 200
"""Of one answer, and of one request to forget."""
LONGEST_WAIT_S = 2.0

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallWanted:
    """Ask what is known, about `speaker`, or else about who is heard speaking in the turn of `asking`."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "facts-wanted"

    speaker: Speaker | None = None
    asking: Origin | None = None
    """The think stage that asks; its turn may be heard of a moment later, which is waited for up to `wait_s`."""
    wait_s: Annotated[float, Field(ge=0, le=LONGEST_WAIT_S)] = 0.0
    before: Origin | None = None
    """The think stage before in this conversation: what was spoken of its answer?"""
    most: Annotated[int, Field(ge=0, le=MOST_FACTS)] = MOST_FACTS
    includes_unknown: bool = False
    """Whether facts of nobody in particular are wanted where nobody is recognised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What the text-to-speech server did with an answer; epoch seconds."""

    __pydantic_config__ = _STRICT

    text: Annotated[str, StringConstraints(max_length=32_768)] = field(default="", repr=False)
    """What it was asked to speak, as far as that came."""
    first_sound_at: Epoch | None = None
    ended_at: Epoch | None = None
    cancelled: bool = False
    """Whether its client hung up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """Who speaks, what is known of them (newest first), and what was spoken of the answer before."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "facts"

    speaker: Speaker | None = None
    facts: Annotated[tuple[Fact, ...], Field(max_length=MOST_FACTS)] = ()
    spoken: Spoken | None = None
    """None: nobody here was asked to speak it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberWanted:
    """Keep a fact; the same words of the same person replace the former ones."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "fact-remember"

    text: FactText = field(repr=False)
    learned_by: LearnedBy
    origin: Origin
    speaker: Speaker | None = None
    language: Id | None = None
    conversation_id: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """It is in the store."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "fact-remembered"

    fact: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetWanted:
    """Delete facts of one person (None: of nobody in particular); no ids: all of that person."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "facts-forget"

    speaker: Speaker | None = None
    ids: Annotated[tuple[FactId, ...], Field(max_length=MOST_FACTS)] = ()
    everything: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """So many are gone."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "facts-forgotten"

    count: Annotated[int, Field(ge=0)] = 0


Wanted = RecallWanted | RememberWanted | ForgetWanted
Answered = Recalled | Remembered | Forgotten
WANTED: tuple[type[Wanted], ...] = (RecallWanted, RememberWanted, ForgetWanted)
ANSWERED: tuple[type[Answered], ...] = (Recalled, Remembered, Forgotten)

_Message = TypeVar("_Message", Wanted, Answered)


def to_event(message: Wanted | Answered) -> Event:
    """Return a message as it travels."""
    return encode(message.event_type, message)


def from_event(event: Event, kinds: tuple[type[_Message], ...]) -> _Message:
    """Return the message an event carries, one of `kinds`; raises BadRequest for everything else."""
    for kind in kinds:
        if kind.event_type == event.type:
            return decode(kind.event_type, kind, event)
    raise BadRequest("that is no message of this socket")
