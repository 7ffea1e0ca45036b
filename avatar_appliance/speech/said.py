"""What the speech-to-text server asks the text-to-speech server: what could be heard of you just now?

Nobody but the two learns it: it is what was said in the house.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StringConstraints

from avatar_appliance.speakers import EMBEDDING_SIZE

MOST_SAID = 3
"""Texts in one answer, the latest first."""
MOST_SAID_CHARS = 1_500
"""Of each: what was spoken around that time."""
MOST_VOICES = 2
MOST_LISTENED_S = 7_200.0

Vector = Annotated[tuple[float, ...], Field(min_length=EMBEDDING_SIZE, max_length=EMBEDDING_SIZE)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidWanted:
    """Ask what may have been heard since a microphone began to listen."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "said-wanted"

    listened_s: Annotated[float, Field(ge=0, le=MOST_LISTENED_S)]
    """How long ago that was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceVector:
    """What a voice of the box sounds like."""

    __pydantic_config__ = _STRICT

    vector: Vector = field(repr=False)
    model: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """Vectors of different models have nothing to do with each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One text that was spoken at the time."""

    __pydantic_config__ = _STRICT

    text: Annotated[str, StringConstraints(max_length=MOST_SAID_CHARS)] = field(repr=False)
    """As it was spoken: numbers and signs in words."""
    playing: bool = False
    """Whether it was surely still being played when the listening began; otherwise only late players are at it."""
    profile: Id | None = None
    """Id of the voice profile it was spoken with: it sounds like a person."""
    anybodys: bool = False
    """Whether it may sound like anybody: the voice was made for whoever had asked."""
    voices: Annotated[tuple[VoiceVector, ...], Field(max_length=MOST_VOICES)] = ()
    """How it sounds, where that is known of all of it."""
    satellite_id: Id | None = None
    device_id: Id | None = None
    """Where it was played; Home Assistant does not tell (yet)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidLately:
    """What may have been heard, the latest first."""

    __pydantic_config__ = _STRICT
    event_type: ClassVar[str] = "said-lately"

    said: Annotated[tuple[Said, ...], Field(max_length=MOST_SAID)] = ()
