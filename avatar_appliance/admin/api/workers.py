"""`/api/workers`: the models, and what a person may ask of them."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from avatar_appliance.admin.dependencies import Coordinator
from avatar_appliance.config.section import Name
from avatar_appliance.coordinator.control_errors import WorkerUnknown

from .parameters import Parameters
from .responses import NEEDS_TOKEN
from .worker_models import WorkerView

router = APIRouter(prefix="/api/workers", tags=["workers"], dependencies=NEEDS_TOKEN)

WorkerName = Annotated[Name, Path(description="A worker that a ladder uses.")]
_ACCEPTED = HTTPStatus.ACCEPTED  # it goes on; `/api/events` tells its end


class WorkerList(BaseModel):
    """Workers in the order of the ladders."""

    items: list[WorkerView]


class StopParameters(Parameters):
    """How to stop."""

    force: bool = False
    """At once, also where requests use it; they break off."""


@router.get("")
async def list_workers(coordinator: Coordinator) -> WorkerList:
    """List the workers that the ladders use."""
    now = time.time()
    return WorkerList(items=[WorkerView.of(worker, now) for worker in coordinator.state().workers])


@router.get("/{name}")
async def get_worker(coordinator: Coordinator, name: WorkerName) -> WorkerView:
    """Return one worker."""
    for worker in coordinator.state().workers:
        if worker.spec.name == name:
            return WorkerView.of(worker, time.time())
    raise WorkerUnknown(f"no ladder uses a worker {name!r}")


@router.post("/{name}/start", status_code=_ACCEPTED)
async def start(coordinator: Coordinator, name: WorkerName) -> WorkerView:
    """Bring a worker up; idle workers of any priority may go for it."""
    return WorkerView.of(await coordinator.start(name), time.time())


@router.post("/{name}/preload", status_code=_ACCEPTED)
async def preload(coordinator: Coordinator, name: WorkerName) -> WorkerView:
    """Bring a worker up if it fits beside everything else."""
    return WorkerView.of(await coordinator.preload(name), time.time())


@router.post("/{name}/stop", status_code=_ACCEPTED)
async def stop(coordinator: Coordinator, name: WorkerName, query: Annotated[StopParameters, Query()]) -> WorkerView:
    """End a worker, until a person starts it; one in use ends with its last request."""
    return WorkerView.of(await coordinator.stop(name, force=query.force), time.time())


@router.post("/{name}/sleep", status_code=_ACCEPTED)
async def sleep(coordinator: Coordinator, name: WorkerName) -> WorkerView:
    """Put an idle worker to sleep."""
    return WorkerView.of(await coordinator.sleep(name), time.time())


@router.post("/{name}/wake", status_code=_ACCEPTED)
async def wake(coordinator: Coordinator, name: WorkerName) -> WorkerView:
    """Wake a sleeping worker."""
    return WorkerView.of(await coordinator.wake(name), time.time())


@router.post("/{name}/pin")
async def pin(coordinator: Coordinator, name: WorkerName) -> WorkerView:
    """Keep a worker from going for the memory of others, until the appliance restarts."""
    return WorkerView.of(await coordinator.pin(name, True), time.time())


@router.post("/{name}/unpin")
async def unpin(coordinator: Coordinator, name: WorkerName) -> WorkerView:
    """Let a worker go for the memory of others."""
    return WorkerView.of(await coordinator.pin(name, False), time.time())
