"""A talk from the panel as JSON: what is asked, and what happens then."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from avatar_appliance.chat import ChatVoice, Question
from avatar_appliance.chat.events import (
    Answered,
    AnswerPiece,
    Began,
    ChatEvent,
    Ended,
    Failed,
    Heard,
    Recorded,
    Sound,
)
from avatar_appliance.store import Turn

from .times import milliseconds
from .turn_models import TurnDetail, first_sound_at, listened_until

MOST_TEXT_CHARS = 2000

_Tag = Annotated[str, StringConstraints(min_length=2, max_length=35, pattern=r"^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$")]


class ChatQuestion(BaseModel):
    """A question: typed (`text`), or spoken (`rate_hz`), and then its sound is sent to the turn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_TEXT_CHARS)] | None = (
        None
    )
    rate_hz: Annotated[int, Field(ge=8000, le=48_000)] | None = Field(
        default=None, description="Of the sound that follows: 16-bit little-endian samples, one channel."
    )
    patient: bool = Field(default=False, description="Do not take a pause for the end so soon: a button is held.")
    conversation_id: Annotated[str, StringConstraints(max_length=128, pattern=r"^[!-~]+$")] | None = Field(
        default=None, description="The conversation that goes on; default: a new one."
    )
    language: _Tag | None = Field(default=None, description="Default: the one that is spoken or written.")
    voice: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="Of the list; default: the house's voice."
    )
    aloud: bool = Field(default=True, description="Whether the answer is spoken.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.text is None) == (self.rate_hz is None):
            raise ValueError("give either text or rate_hz")
        return self

    def asked(self) -> Question:
        """Return it as the chat takes it."""
        return Question(**dict(self))


class ChatVoiceView(BaseModel):
    """A voice for the answers: ask for `name`, show `title`."""

    name: str
    title: str
    languages: list[str]


class ChatOffer(BaseModel):
    """What can be chosen."""

    voices: list[ChatVoiceView]
    languages: list[str] = Field(description="The house's, its first one first.")
    most_text_chars: int = MOST_TEXT_CHARS

    @classmethod
    def of(cls, voices: tuple[ChatVoice, ...], languages: tuple[str, ...]) -> Self:
        """Return voices and languages."""
        return cls(voices=[ChatVoiceView(**asdict(voice)) for voice in voices], languages=list(languages))


class ChatTimes(BaseModel):
    """How long it took from the end of the question, as the history measured it; null for what did not happen."""

    transcript_ms: float | None
    first_word_ms: float | None
    first_sound_ms: float | None

    @classmethod
    def of(cls, turn: Turn) -> Self:
        """Return the times of `turn`; a typed question ends when it is asked."""
        transcribed = next((stage for stage in turn.stages if stage.kind == "transcribe"), None)
        thought = next((stage for stage in turn.stages if stage.kind == "think"), None)
        asked_at = listened_until(turn) if transcribed else thought.started_at if thought else None
        return cls(
            transcript_ms=milliseconds(asked_at, transcribed.ended_at if transcribed else None),
            first_word_ms=milliseconds(asked_at, thought.first_output_at if thought else None),
            first_sound_ms=milliseconds(asked_at, first_sound_at(turn)),
        )


def described(event: ChatEvent) -> tuple[str, dict[str, Any]]:
    """Return the name of an event and its data."""
    match event:
        case Began():
            return "began", asdict(event)
        case Heard():
            return "heard", asdict(event)
        case AnswerPiece():
            return "piece", asdict(event)
        case Answered():
            return "answered", asdict(event)
        case Sound():
            return "sound", {"rate_hz": event.rate_hz, "pcm": base64.b64encode(event.pcm).decode("ascii")}
        case Failed():
            return "failed", {"stage": event.stage, **event.error.as_dict(), "hint": event.error.hint}
        case Ended():
            return "ended", {}
        case Recorded():
            turn, times = TurnDetail.of(event.turn), ChatTimes.of(event.turn)
            return "recorded", {"turn": turn.model_dump(mode="json"), "times": times.model_dump()}
