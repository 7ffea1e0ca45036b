"""`/api/speech`: have something said, and how much of what is spoken was kept from earlier or made ahead of time."""

from __future__ import annotations

from typing import Annotated, Any, Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from avatar_appliance.admin.dependencies import Dependencies
from avatar_appliance.client import wav_bytes
from avatar_appliance.errors import ShuttingDown
from avatar_appliance.speech import SpeechFigures

from .responses import NEEDS_TOKEN

router = APIRouter(prefix="/api/speech", tags=["speech"], dependencies=NEEDS_TOKEN)


_WAV: dict[int | str, dict[str, Any]] = {200: {"description": "The sound.", "content": {"audio/wav": {}}}}


class Wanted(BaseModel):
    """What is to be said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    voice: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="Of Home Assistant's list (a profile's `id`); default: the house's voice."
    )
    language: Annotated[str, Field(min_length=2, max_length=35)] | None = Field(
        default=None, description="Any voice of this language, where no voice is named."
    )


class SpeechCacheView(BaseModel):
    """The sounds kept in memory; `hit_rate` is null before anything was spoken."""

    hits: int
    misses: int
    hit_rate: float | None
    entries: int
    size_bytes: int
    limit_bytes: int


class AheadView(BaseModel):
    """Speech made ahead of time, in pieces (`answers` in answers); `used_rate` is null before any was made."""

    enabled: bool
    answers: int
    made: int
    used: int
    wasted: int
    used_rate: float | None


class SpeechView(BaseModel):
    """Counts since the start of the text-to-speech server."""

    cache: SpeechCacheView
    ahead_of_time: AheadView

    @classmethod
    def of(cls, figures: SpeechFigures) -> Self:
        """Return `figures`."""
        return cls(
            cache=SpeechCacheView(
                hits=figures.cache_hits,
                misses=figures.cache_misses,
                hit_rate=_share(figures.cache_hits, figures.cache_hits + figures.cache_misses),
                entries=figures.cache_entries,
                size_bytes=figures.cache_bytes,
                limit_bytes=figures.cache_limit_bytes,
            ),
            ahead_of_time=AheadView(
                enabled=figures.ahead_enabled,
                answers=figures.ahead_answers,
                made=figures.ahead_made,
                used=figures.ahead_used,
                wasted=figures.ahead_wasted,
                used_rate=_share(figures.ahead_used, figures.ahead_made),
            ),
        )


@router.get("")
async def speech(deps: Dependencies) -> SpeechView:
    """Return the figures of the running text-to-speech server; 503 where it does not answer."""
    if deps.speech_figures is None:
        raise ShuttingDown("the text-to-speech server cannot be asked")
    return SpeechView.of(await deps.speech_figures())


@router.post("/say", responses=_WAV, response_class=Response)
async def say(wanted: Wanted, deps: Dependencies) -> Response:
    """Have it said, and return the sound: to listen to a voice, or to how a word is said."""
    if deps.say is None:
        raise ShuttingDown("the text-to-speech server cannot be asked")
    audio = await deps.say(wanted.text, wanted.voice, wanted.language)
    return Response(wav_bytes(audio), media_type="audio/wav")


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
