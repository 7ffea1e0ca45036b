"""`/api/chat`: talk with the box. One turn is one response, as Server-Sent Events; hanging up ends all work for it.

`began` (turn_id, conversation_id), `heard` (text, language), `piece` (text), `answered` (handled), `sound` (rate_hz,
pcm in Base64), `failed` (stage, code, text, hint, retryable), `ended`, `recorded` (turn, times). Text and sound mix.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field

from avatar_appliance.admin.connection import closing
from avatar_appliance.admin.dependencies import Talk
from avatar_appliance.admin.until import until
from avatar_appliance.chat.turn import ChatTurn

from .chat_models import ChatOffer, ChatQuestion, described
from .parameters import Parameters
from .responses import NEEDS_TOKEN

router = APIRouter(prefix="/api/chat", tags=["chat"], dependencies=NEEDS_TOKEN)

TurnId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="`turn_id` of the event `began`.")]


class Piece(Parameters):
    """Where a piece of sound belongs."""

    position: int = Field(ge=0)
    """Bytes that were sent before it."""
    last: bool = False
    """Whether the question ends with it; it may be empty then."""


async def _turn(question: Annotated[ChatQuestion, Body()], chat: Talk) -> AsyncIterator[ChatTurn]:
    async with chat.turn(question.asked()) as turn:
        yield turn


@router.get("")
async def offer(chat: Talk) -> ChatOffer:
    """Return voices and languages; 503 where the text-to-speech server does not answer."""
    return ChatOffer.of(await chat.voices(), chat.languages)


@router.post("", response_class=EventSourceResponse)
async def ask(request: Request, turn: Annotated[ChatTurn, Depends(_turn)]) -> AsyncIterator[ServerSentEvent]:
    """Ask, and stream what happens."""
    async for event in until(closing(request.scope), turn.events()):
        name, data = described(event)
        yield ServerSentEvent(event=name, data=data)


@router.post("/{turn_id}/sound", status_code=HTTPStatus.NO_CONTENT)
async def add_sound(request: Request, turn_id: TurnId, piece: Annotated[Piece, Query()], chat: Talk) -> None:
    """Take the next piece of a spoken question; what comes after its end was found is ignored."""
    utterance = chat.utterance(turn_id)
    utterance.add(await request.body(), piece.position)
    if piece.last:
        utterance.end()
