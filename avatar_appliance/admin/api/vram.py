"""`/api/vram`: who has the memory, what would fit, and what was decided."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from avatar_appliance.admin.dependencies import Coordinator, Dependencies
from avatar_appliance.config.section import Name
from avatar_appliance.config.size import Size
from avatar_appliance.coordinator.control_errors import WorkerUnknown
from avatar_appliance.coordinator.device import is_gpu
from avatar_appliance.coordinator.plan import DeviceRoom, make_plan, wanted_at_start
from avatar_appliance.coordinator.state import CoordinatorState
from avatar_appliance.coordinator.worker_spec import WorkerSpec

from .decision_models import DecisionPage
from .parameters import PageParameters, Parameters
from .responses import NEEDS_TOKEN
from .vram_models import PlanView, VramView

router = APIRouter(prefix="/api/vram", tags=["vram"], dependencies=NEEDS_TOKEN)


class PlanParameters(Parameters):
    """What to plan for."""

    gpu: Annotated[Size, Field(gt=0)] | None = None
    """As if each GPU had this size and nobody else were on it."""
    worker: list[Name] = Field(default_factory=list, max_length=64)
    """Only these, all of them loaded with the appliance; default: every worker, as it is configured."""


class DecisionParameters(PageParameters):
    """Which decisions to list."""

    worker: Name | None = None
    """Only of this worker."""
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z-]{1,40}$")] | None = None
    """Only of this kind."""


@router.get("")
async def get_vram(coordinator: Coordinator) -> VramView:
    """Return devices, workers, waiting requests, guest mode and the last decisions."""
    return VramView.of(coordinator, time.time())


@router.get("/plan")
async def get_plan(coordinator: Coordinator, query: Annotated[PlanParameters, Query()]) -> PlanView:
    """Return what would be loaded, and who would go for whom, with the scheduler's own rules."""
    state = coordinator.state()
    plan = make_plan(
        _chosen(state, query.worker),
        _rooms(state, query.gpu),
        policy=state.policy,
        measured={worker.spec.name for worker in state.workers if worker.measured},
        guest_mode="off" if query.gpu is not None else state.guest_mode.mode,
    )
    return PlanView.of(plan)


@router.get("/decisions")
async def list_decisions(deps: Dependencies, query: Annotated[DecisionParameters, Query()]) -> DecisionPage:
    """List decisions, newest first; the last second's are perhaps not there yet (`GET /api/vram` has them)."""
    page = await deps.store.decisions.list(worker=query.worker, kind=query.kind, limit=query.limit, cursor=query.cursor)
    return DecisionPage.of(page)


def _chosen(state: CoordinatorState, names: Sequence[str]) -> list[WorkerSpec]:
    specs = {worker.spec.name: worker.spec for worker in state.workers}
    for name in names:
        if name not in specs:
            raise WorkerUnknown(f"no ladder uses a worker {name!r}")
    return wanted_at_start(specs[name] for name in names) if names else list(specs.values())


def _rooms(state: CoordinatorState, gpu_bytes: int | None) -> list[DeviceRoom]:
    rooms = [
        DeviceRoom(
            device=device.device,
            name=device.reading.name,
            usable_bytes=device.reading.usable_bytes,
            foreign_bytes=device.foreign_bytes,
        )
        for device in state.devices
        if device.reading is not None
    ]
    if gpu_bytes is None:
        return rooms
    return [replace(room, usable_bytes=gpu_bytes, foreign_bytes=0) if is_gpu(room.device) else room for room in rooms]
