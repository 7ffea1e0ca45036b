"""`/api/events`: decisions as they are taken, as Server-Sent Events.

A client that was away reads `GET /api/vram` first. A comment every 15 s keeps proxies from closing a quiet stream, and
tells us of a client that is gone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from avatar_appliance.admin.connection import closing
from avatar_appliance.admin.dependencies import Coordinator
from avatar_appliance.admin.until import until
from avatar_appliance.errors import ServerFull
from avatar_appliance.store import DecisionRecord

from .decision_models import DecisionView
from .responses import NEEDS_TOKEN

router = APIRouter(prefix="/api/events", tags=["events"], dependencies=NEEDS_TOKEN)

MAX_STREAMS = 16
"""Open at once: each keeps a connection of the few that the server has."""
_RETRY_MS = 2000


async def _one_of_few(request: Request) -> AsyncIterator[None]:
    streams: set[object] = request.app.state.event_streams
    if len(streams) >= MAX_STREAMS:
        raise ServerFull(
            f"{MAX_STREAMS} event streams are open",
            hint="Close a panel that nobody looks at; one that is gone is noticed within 15 s.",
        )
    stream = object()
    streams.add(stream)
    try:
        yield
    finally:
        streams.discard(stream)


@router.get("", response_class=EventSourceResponse, dependencies=[Depends(_one_of_few)])
async def stream_events(request: Request, coordinator: Coordinator) -> AsyncIterator[ServerSentEvent]:
    """Stream every decision from now on; `event` is its kind, `data` the decision."""
    with coordinator.events() as decisions:
        # Sent at once, so that a client knows from when on it misses nothing.
        yield ServerSentEvent(comment="from now on", retry=_RETRY_MS)
        async for decision in until(closing(request.scope), decisions):
            record = DecisionRecord.of(decision, coordinator.time_of_day(decision.at_s))
            yield ServerSentEvent(event=record.kind, data=DecisionView.of(record))
