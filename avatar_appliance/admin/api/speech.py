"""`/api/speech`: how much of what is spoken was kept from earlier, or made ahead of time."""

from __future__ import annotations

from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel

from avatar_appliance.admin.dependencies import Dependencies
from avatar_appliance.errors import ShuttingDown
from avatar_appliance.speech import SpeechFigures

from .responses import NEEDS_TOKEN

router = APIRouter(prefix="/api/speech", tags=["speech"], dependencies=NEEDS_TOKEN)


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


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
