"""What happens in a turn, in the order of its happening. What people say is kept out of the `repr`."""

from __future__ import annotations

from dataclasses import dataclass, field

from avatar_appliance.errors import AvatarError
from avatar_appliance.store import StageKind, Turn


@dataclass(frozen=True, slots=True)
class Began:
    """The turn has an id (where sound can be sent to), and its conversation too."""

    turn_id: str
    conversation_id: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said; empty where nothing was understood, and then nothing is answered."""

    text: str = field(repr=False)
    language: str | None


@dataclass(frozen=True, slots=True)
class AnswerPiece:
    """More of the answer's text."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer's text is complete; `handled` is False for an apology."""

    handled: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """More of the answer's sound: 16 bits, one channel."""

    rate_hz: int
    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """A stage failed; what the others made of the turn stands."""

    stage: StageKind
    error: AvatarError


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more will be said."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The turn as the history has it: who answered, and how long it took."""

    turn: Turn


ChatEvent = Began | Heard | AnswerPiece | Answered | Sound | Failed | Ended | Recorded
