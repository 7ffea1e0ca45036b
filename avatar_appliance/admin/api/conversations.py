"""`/api/conversations`: turns that belong together for Home Assistant."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel

from avatar_appliance.admin.conversation_search import ConversationFilter, find_conversations
from avatar_appliance.admin.dependencies import Dependencies
from avatar_appliance.store import Conversation, TurnFilter

from .parameters import ListParameters, PageParameters
from .responses import NEEDS_TOKEN
from .times import moment
from .turn_models import TurnPage
from .turns import Deleted

router = APIRouter(prefix="/api/conversations", tags=["conversations"], dependencies=NEEDS_TOKEN)

# The id is Home Assistant's (or of any client of the chat door) and may hold a slash.
_ONE = "/{conversation_id:path}"


class ConversationView(BaseModel):
    """A conversation as JSON."""

    id: str
    started_at: datetime
    last_turn_at: datetime
    turn_count: int
    language: str | None
    satellite_id: str | None
    device_id: str | None

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """Return `conversation`."""
        return cls(
            id=conversation.id,
            started_at=moment(conversation.started_at),
            last_turn_at=moment(conversation.last_turn_at),
            turn_count=conversation.turn_count,
            language=conversation.language,
            satellite_id=conversation.satellite_id,
            device_id=conversation.device_id,
        )


class ConversationPage(BaseModel):
    """Conversations, the one spoken in last first; `next_cursor` is null on the last page.

    A filtered page may have fewer items than asked for, even none, and still a next one.
    """

    items: list[ConversationView]
    next_cursor: str | None


class ConversationDetail(BaseModel):
    """A conversation and a page of its turns, newest first."""

    conversation: ConversationView
    turns: TurnPage


@router.get("")
async def list_conversations(deps: Dependencies, query: Annotated[ListParameters, Query()]) -> ConversationPage:
    """List conversations; `since` and `until` are about their last turn."""
    wanted = ConversationFilter(
        satellite_id=query.satellite,
        language=query.language,
        since=query.since_epoch_s,
        until=query.until_epoch_s,
    )
    page = await find_conversations(deps.store.conversations, wanted, limit=query.limit, cursor=query.cursor)
    items = [ConversationView.of(conversation) for conversation in page.items]
    return ConversationPage(items=items, next_cursor=page.next_cursor)


@router.get(_ONE)
async def get_conversation(
    deps: Dependencies, conversation_id: str, query: Annotated[PageParameters, Query()]
) -> ConversationDetail:
    """Return a conversation with its turns."""
    conversation = await deps.store.conversations.get(conversation_id)
    turns = await deps.store.turns.list(
        TurnFilter(conversation_id=conversation_id), limit=query.limit, cursor=query.cursor
    )
    return ConversationDetail(conversation=ConversationView.of(conversation), turns=TurnPage.of(turns))


@router.delete(_ONE)
async def delete_conversation(deps: Dependencies, conversation_id: str) -> Deleted:
    """Delete a conversation for good, with all its turns and their recordings."""
    return Deleted(turns_deleted=await deps.store.conversations.delete(conversation_id))
