"""The nouns of the store: a turn, its stages, and the audio they left. Values only, no I/O.

The words people said are kept out of the `repr`, and so out of logs and exception texts.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

StageKind = Literal["listen", "transcribe", "think", "act", "speak"]
TurnStatus = Literal["in_progress", "ok", "failed", "cancelled"]
AudioDirection = Literal["in", "out"]


def new_turn_id(started_at: float) -> str:
    """Return a unique id that sorts by `started_at` (epoch seconds): 32 hex digits, 48 bits of them ms."""
    return f"{max(0, round(started_at * 1000)):012x}{secrets.token_hex(10)}"


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A WAV file in the audio folder: name, size in bytes, and duration in seconds where known."""

    name: str
    size_bytes: int
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a turn as a server reported it; times are epoch seconds, `ended_at` None while it runs.

    `parent_id` is set on the parts of another stage: listen (of transcribe) and act (of think).
    """

    id: str
    kind: StageKind
    connection_id: str
    started_at: float
    first_output_at: float | None = None
    ended_at: float | None = None
    parent_id: str | None = None
    link_id: str | None = None
    worker: str | None = None
    voice: str | None = None
    language: str | None = None
    speaker: str | None = None
    conversation_id: str | None = None
    satellite_id: str | None = None
    device_id: str | None = None
    text_in: str | None = field(default=None, repr=False)
    text_out: str | None = field(default=None, repr=False)
    error_code: str | None = None
    cancelled: bool = False
    degraded: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False)
    audio: AudioFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One spoken exchange: what was said, what was answered, and its stages in order of their start.

    Times are epoch seconds, `ended_at` is None while it runs; `degraded` names stage, rung and reason.
    """

    id: str
    started_at: float
    ended_at: float | None = None
    status: TurnStatus = "ok"
    conversation_id: str | None = None
    satellite_id: str | None = None
    device_id: str | None = None
    language: str | None = None
    speaker: str | None = None
    transcript: str | None = field(default=None, repr=False)
    answer: str | None = field(default=None, repr=False)
    degraded: str | None = None
    error_code: str | None = None
    voice: str | None = None
    stages: tuple[Stage, ...] = field(default=(), repr=False)

    @property
    def audio_in(self) -> AudioFile | None:
        """The recording of what the person said, if it was kept."""
        heard = (stage.audio for stage in self.stages if stage.kind == "transcribe" and stage.audio)
        return next(heard, None)

    @property
    def audio_out(self) -> tuple[AudioFile, ...]:
        """The spoken answer: one file, or several if it was asked for in pieces; empty if not kept."""
        return tuple(stage.audio for stage in self.stages if stage.kind == "speak" and stage.audio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation as Home Assistant's `conversation_id` knows it."""

    id: str
    started_at: float
    last_turn_at: float
    turn_count: int
    language: str | None = None
    satellite_id: str | None = None
    device_id: str | None = None
