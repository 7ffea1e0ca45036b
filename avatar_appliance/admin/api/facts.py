"""`/api/facts`: what people asked the assistant to remember about them."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, StringConstraints

from avatar_appliance.admin.dependencies import Dependencies
from avatar_appliance.admin.errors import ConfirmationNeeded
from avatar_appliance.admin.problem import problem
from avatar_appliance.errors import BadRequest
from avatar_appliance.facts import Fact, LearnedBy
from avatar_appliance.store import FactFilter

from .parameters import Id, PageParameters, Parameters
from .responses import NEEDS_TOKEN
from .times import moment

router = APIRouter(prefix="/api/facts", tags=["facts"], dependencies=NEEDS_TOKEN)


class FactView(BaseModel):
    """A fact as JSON; `speaker` is null where nobody was recognised, `turn_id` where that turn is gone."""

    id: str
    speaker: str | None
    text: str
    language: str | None
    learned_by: LearnedBy
    conversation_id: str | None
    turn_id: str | None
    created_at: datetime

    @classmethod
    def of(cls, fact: Fact) -> Self:
        """Return `fact`."""
        return cls(
            id=fact.id,
            speaker=fact.speaker,
            text=fact.text,
            language=fact.language,
            learned_by=fact.learned_by,
            conversation_id=fact.conversation_id,
            turn_id=fact.turn_id,
            created_at=moment(fact.created_at),
        )


class FactPage(BaseModel):
    """Facts, newest first; `next_cursor` is null on the last page."""

    items: list[FactView]
    next_cursor: str | None


class _Selection(Parameters):
    speaker: Id | None = None
    """Whose they are."""
    unknown: bool = False
    """Those of nobody in particular."""
    q: Annotated[str, StringConstraints(max_length=200)] | None = None
    """Words that must all occur, in any script."""

    def as_filter(self) -> FactFilter:
        """Return what the store takes."""
        if self.speaker is not None and self.unknown:
            raise BadRequest("speaker and unknown exclude each other", hint="Give one of them.")
        return FactFilter(speaker=self.speaker, unknown=self.unknown, text=self.q)


class FactListParameters(_Selection, PageParameters):
    """Which facts to list."""


class FactDeletionParameters(_Selection):
    """Which facts to delete; at least one filter, or `all`."""

    all: bool = False
    """Everything about everybody."""
    confirm: Literal["yes"] | None = None
    """Without it nothing is deleted and the answer says how many facts match."""


class Forgotten(BaseModel):
    """How many facts were deleted."""

    facts_deleted: int


@router.get("")
async def list_facts(deps: Dependencies, query: Annotated[FactListParameters, Query()]) -> FactPage:
    """List facts, newest first."""
    page = await deps.store.facts.list(query.as_filter(), limit=query.limit, cursor=query.cursor)
    return FactPage(items=[FactView.of(fact) for fact in page.items], next_cursor=page.next_cursor)


@router.delete("", response_model=Forgotten)
async def delete_facts(deps: Dependencies, query: Annotated[FactDeletionParameters, Query()]) -> Forgotten | Response:
    """Delete the facts of a speaker, of a search, or all, for good."""
    wanted = query.as_filter()
    if wanted.is_empty != query.all:
        raise BadRequest("a deletion needs a filter, or all", hint="Give speaker, unknown or q; or all=true alone.")
    if query.confirm is None:
        matching = await deps.store.facts.count(wanted)
        return problem(ConfirmationNeeded(f"{matching} facts would be deleted"), matching=matching)
    return Forgotten(facts_deleted=await deps.store.facts.delete_matching(wanted))


@router.get("/{fact_id}")
async def get_fact(deps: Dependencies, fact_id: str) -> FactView:
    """Return one fact."""
    return FactView.of(await deps.store.facts.get(fact_id))


@router.delete("/{fact_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_fact(deps: Dependencies, fact_id: str) -> None:
    """Delete one fact for good."""
    await deps.store.facts.delete(fact_id)
