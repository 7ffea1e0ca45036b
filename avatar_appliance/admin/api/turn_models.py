"""A turn as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from avatar_appliance.store import AudioDirection, AudioFile, Page, Stage, StageKind, Turn, TurnStatus

from .times import milliseconds, moment


class Recording(BaseModel):
    """A recording that can be fetched."""

    url: str
    size_bytes: int
    duration_s: float | None

    @classmethod
    def of(cls, turn_id: str, direction: AudioDirection, part: int, audio: AudioFile) -> Self:
        """Return recording number `part` (from 1) of a turn."""
        query = "" if part == 1 else f"?part={part}"
        return cls(
            url=f"/api/turns/{turn_id}/audio/{direction}{query}",
            size_bytes=audio.size_bytes,
            duration_s=audio.duration_s,
        )


class PromptCache(BaseModel):
    """How much of a prompt the model found in its prefix cache, as its endpoint tells: of all requests of a stage."""

    prompt_tokens: int
    cached_tokens: int
    hit_rate: float

    @classmethod
    def of(cls, detail: Mapping[str, Any]) -> Self | None:
        """Return what a think stage reported; None where the endpoint did not tell."""
        prompt, cached = detail.get("prompt_tokens"), detail.get("cached_tokens")
        if not (isinstance(prompt, int) and isinstance(cached, int) and prompt > 0):
            return None
        return cls(prompt_tokens=prompt, cached_tokens=cached, hit_rate=round(min(cached / prompt, 1.0), 3))


class StageView(BaseModel):
    """One stage; `offset_ms` counts from the start of the turn, the other durations from the stage's own."""

    id: str
    kind: StageKind
    parent_id: str | None
    started_at: datetime
    ended_at: datetime | None
    offset_ms: float | None
    first_output_ms: float | None
    duration_ms: float | None
    worker: str | None
    voice: str | None
    language: str | None
    speaker: str | None
    text_in: str | None
    text_out: str | None
    error_code: str | None
    cancelled: bool
    degraded: str | None
    prompt_cache: PromptCache | None
    detail: Mapping[str, Any]

    @classmethod
    def of(cls, stage: Stage, turn: Turn) -> Self:
        """Return a stage of `turn`."""
        return cls(
            id=stage.id,
            kind=stage.kind,
            parent_id=stage.parent_id,
            started_at=moment(stage.started_at),
            ended_at=None if stage.ended_at is None else moment(stage.ended_at),
            offset_ms=milliseconds(turn.started_at, stage.started_at),
            first_output_ms=milliseconds(stage.started_at, stage.first_output_at),
            duration_ms=milliseconds(stage.started_at, stage.ended_at),
            worker=stage.worker,
            voice=stage.voice,
            language=stage.language,
            speaker=stage.speaker,
            text_in=stage.text_in,
            text_out=stage.text_out,
            error_code=stage.error_code,
            cancelled=stage.cancelled,
            degraded=stage.degraded,
            prompt_cache=PromptCache.of(stage.detail),
            detail=stage.detail,
        )


class TurnSummary(BaseModel):
    """A turn in a list; `answer_delay_ms` is from the end of listening to the first sound of the answer.

    `rejected` is why what was heard is nobody's wish, so that `transcript` is null: "echo", "no-speech", ...
    """

    model_config = ConfigDict(frozen=True)

    id: str
    started_at: datetime
    ended_at: datetime | None
    status: TurnStatus
    conversation_id: str | None
    satellite_id: str | None
    device_id: str | None
    language: str | None
    speaker: str | None
    transcript: str | None
    rejected: str | None
    answer: str | None
    voice: str | None
    degraded: str | None
    error_code: str | None
    duration_ms: float | None
    answer_delay_ms: float | None
    audio_in: Recording | None
    audio_out: list[Recording]

    @classmethod
    def of(cls, turn: Turn) -> Self:
        """Return `turn` without its stages."""
        return cls(**_summary(turn))


class TurnDetail(TurnSummary):
    """A turn with its stages in order of their start."""

    stages: list[StageView]

    @classmethod
    def of(cls, turn: Turn) -> Self:
        """Return `turn` as a whole."""
        return cls(**_summary(turn), stages=[StageView.of(stage, turn) for stage in turn.stages])


class TurnPage(BaseModel):
    """Turns, newest first; `next_cursor` is null on the last page."""

    items: list[TurnSummary]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Turn]) -> Self:
        """Return a page of turns."""
        return cls(items=[TurnSummary.of(turn) for turn in page.items], next_cursor=page.next_cursor)


def _summary(turn: Turn) -> dict[str, Any]:
    heard, spoken = turn.audio_in, turn.audio_out
    return {
        "id": turn.id,
        "started_at": moment(turn.started_at),
        "ended_at": None if turn.ended_at is None else moment(turn.ended_at),
        "status": turn.status,
        "conversation_id": turn.conversation_id,
        "satellite_id": turn.satellite_id,
        "device_id": turn.device_id,
        "language": turn.language,
        "speaker": turn.speaker,
        "transcript": turn.transcript,
        "rejected": None if turn.transcript else _rejected(turn),
        "answer": turn.answer,
        "voice": turn.voice,
        "degraded": turn.degraded,
        "error_code": turn.error_code,
        "duration_ms": milliseconds(turn.started_at, turn.ended_at),
        "answer_delay_ms": milliseconds(listened_until(turn), first_sound_at(turn)),
        "audio_in": None if heard is None else Recording.of(turn.id, "in", 1, heard),
        "audio_out": [Recording.of(turn.id, "out", part, each) for part, each in enumerate(spoken, start=1)],
    }


def _rejected(turn: Turn) -> str | None:
    """Return why the speech-to-text server gave an empty transcript, where it did so on purpose."""
    for stage in turn.stages:
        reason = stage.detail.get("rejected") if stage.kind == "transcribe" else None
        if isinstance(reason, str):
            return reason
    return None


def listened_until(turn: Turn) -> float | None:
    """Return when listening ended: by its own span, or by what the speech-to-text server measured."""
    for stage in turn.stages:
        if stage.kind == "listen" and stage.ended_at is not None:
            return stage.ended_at
    for stage in turn.stages:
        listen_s = stage.detail.get("listen_s") if stage.kind == "transcribe" else None
        if isinstance(listen_s, int | float):
            return stage.started_at + listen_s
    return None


def first_sound_at(turn: Turn) -> float | None:
    """Return when the answer began to be heard."""
    sounds = (stage.first_output_at for stage in turn.stages if stage.kind == "speak")
    return min((at for at in sounds if at is not None), default=None)
