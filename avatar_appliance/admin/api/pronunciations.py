"""`/api/pronunciations`: how words of this house are to be said."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from avatar_appliance.admin.dependencies import Pronunciations
from avatar_appliance.pronunciations import Pronunciation

from .parameters import Parameters
from .responses import NEEDS_TOKEN

router = APIRouter(prefix="/api/pronunciations", tags=["pronunciations"], dependencies=NEEDS_TOKEN)

# Longer than anything the entry itself takes: it says better what is wrong.
_Text = Annotated[str, StringConstraints(max_length=1000)]


class PronunciationView(BaseModel):
    """An entry as JSON; a null `language` stands for every language."""

    model_config = ConfigDict(extra="forbid")

    word: _Text
    say: _Text
    language: _Text | None = None

    @classmethod
    def of(cls, entry: Pronunciation) -> Self:
        """Return `entry`."""
        return cls(word=entry.word, say=entry.say, language=entry.language)


class PronunciationList(BaseModel):
    """All entries, in the order they were first set."""

    items: list[PronunciationView]


class PronunciationParameters(Parameters):
    """Which entry."""

    word: _Text
    language: _Text | None = None


@router.get("")
async def list_pronunciations(household: Pronunciations) -> PronunciationList:
    """List all entries."""
    entries = await asyncio.to_thread(household.list)
    return PronunciationList(items=[PronunciationView.of(entry) for entry in entries])


@router.put("")
async def set_pronunciation(
    household: Pronunciations, wanted: PronunciationView, response: Response
) -> PronunciationView:
    """Set how a word is said, in place of what was set before for it; the next answer is spoken by it."""
    entry = Pronunciation(wanted.word.strip(), wanted.say.strip(), wanted.language)
    if await asyncio.to_thread(household.set, entry):
        response.status_code = HTTPStatus.CREATED
    return PronunciationView.of(entry)


@router.delete("", status_code=HTTPStatus.NO_CONTENT)
async def remove_pronunciation(household: Pronunciations, query: Annotated[PronunciationParameters, Query()]) -> None:
    """Remove the entry for a word: the one of that language, or without one that for every language."""
    await asyncio.to_thread(household.remove, query.word.strip(), query.language)
