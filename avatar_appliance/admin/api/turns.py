"""`/api/turns`: what was said and answered."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, StringConstraints

from avatar_appliance.admin.dependencies import Dependencies
from avatar_appliance.admin.errors import ConfirmationNeeded
from avatar_appliance.admin.problem import problem
from avatar_appliance.admin.turn_deletion import TurnDeletion, TurnSelection
from avatar_appliance.errors import BadRequest
from avatar_appliance.store import TurnFilter, TurnStatus

from .parameters import Id, ListParameters, TimeParameters
from .responses import NEEDS_TOKEN
from .turn_models import TurnDetail, TurnPage

router = APIRouter(prefix="/api/turns", tags=["turns"], dependencies=NEEDS_TOKEN)


class TurnListParameters(ListParameters):
    """Which turns to list."""

    conversation: Id | None = None
    """Home Assistant's id of the conversation."""
    status: TurnStatus | None = None
    """How the turn ended."""
    q: Annotated[str, StringConstraints(max_length=200)] | None = None
    """Words that must all occur in what was said or answered, in any script."""


class TurnDeletionParameters(TimeParameters):
    """Which turns to delete; at least one filter."""

    satellite: Id | None = None
    """Home Assistant's id of the satellite."""
    speaker: Id | None = None
    """Who spoke."""
    confirm: Literal["yes"] | None = None
    """Without it nothing is deleted and the answer says how many turns match."""


class Deleted(BaseModel):
    """How many turns were deleted."""

    turns_deleted: int


@router.get("")
async def list_turns(deps: Dependencies, query: Annotated[TurnListParameters, Query()]) -> TurnPage:
    """List turns, newest first."""
    wanted = TurnFilter(
        conversation_id=query.conversation,
        satellite_id=query.satellite,
        language=query.language,
        status=query.status,
        since=query.since_epoch_s,
        until=query.until_epoch_s,
        text=query.q,
    )
    return TurnPage.of(await deps.store.turns.list(wanted, limit=query.limit, cursor=query.cursor))


@router.delete("", response_model=Deleted)
async def delete_turns(deps: Dependencies, query: Annotated[TurnDeletionParameters, Query()]) -> Deleted | Response:
    """Delete the turns of a satellite, a speaker or a time for good, with their recordings."""
    selection = TurnSelection(
        satellite_id=query.satellite,
        speaker=query.speaker,
        since=query.since_epoch_s,
        until=query.until_epoch_s,
    )
    if selection.is_empty:
        raise BadRequest("a deletion needs a filter", hint="Give at least one of satellite, speaker, since and until.")
    deletion = TurnDeletion(deps.store)
    if query.confirm is None:
        matching = await deletion.count(selection)
        return problem(ConfirmationNeeded(f"{matching} turns would be deleted"), matching=matching)
    return Deleted(turns_deleted=await deletion.delete(selection))


@router.get("/{turn_id}")
async def get_turn(deps: Dependencies, turn_id: str) -> TurnDetail:
    """Return a turn with its stages and their timings."""
    return TurnDetail.of(await deps.store.turns.get(turn_id))


@router.delete("/{turn_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_turn(deps: Dependencies, turn_id: str) -> None:
    """Delete a turn for good, with its recordings."""
    await deps.store.turns.delete(turn_id)
