"""A worker as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.state import WorkerState
from avatar_appliance.coordinator.worker_spec import WorkerRole

from .times import moment


class WorkerMemory(BaseModel):
    """What a worker takes of its device."""

    rest_bytes: int = Field(description="Once it is ready.")
    peak_bytes: int = Field(description="While it starts.")
    host_bytes: int = Field(description="RAM beside the memory of a GPU.")
    measured: bool = Field(description="Whether these were measured on this machine; else they are estimates.")
    charged_bytes: int = Field(description="What is charged to it now.")
    seen_bytes: int | None = Field(description="What its processes hold now; null where they cannot be told apart.")


class WorkerView(BaseModel):
    """A worker at this moment."""

    name: str
    role: WorkerRole
    engine: str
    external: bool = Field(description="Runs elsewhere: it is neither started nor stopped here.")
    state: SlotState
    since: datetime
    progress: str = Field(description="What it is doing while it comes up.")
    device: str | None = Field(description="Where it holds memory.")
    devices: list[str] = Field(description="Where it may run, best first.")
    memory: WorkerMemory
    priority: int
    pinned: bool
    preload: bool
    keep_alive_s: float | None
    can_sleep: bool
    leases: int = Field(description="Requests that use it now.")
    max_leases: int
    idle_s: float | None
    held_down: bool = Field(description="A person stopped it; only a person starts it again.")
    draining: bool = Field(description="It stops when its last request ends.")
    last_error: str | None
    retry_in_s: float | None = Field(description="When it is tried again.")

    @classmethod
    def of(cls, worker: WorkerState, now: float) -> Self:
        """Return a worker as it was at `now` (epoch seconds)."""
        spec = worker.spec
        return cls(
            name=spec.name,
            role=spec.role,
            engine=worker.engine,
            external=spec.external,
            state=worker.state,
            since=moment(now - worker.since_s),
            progress=worker.progress,
            device=worker.device,
            devices=list(spec.devices),
            memory=WorkerMemory(
                rest_bytes=spec.rest_bytes,
                peak_bytes=spec.peak_bytes,
                host_bytes=spec.host_bytes,
                measured=worker.measured,
                charged_bytes=worker.charged_bytes,
                seen_bytes=worker.seen_bytes,
            ),
            priority=spec.priority,
            pinned=worker.pinned,
            preload=spec.preload,
            keep_alive_s=spec.keep_alive_s,
            can_sleep=spec.can_sleep,
            leases=worker.leases,
            max_leases=spec.max_leases,
            idle_s=worker.idle_s,
            held_down=worker.held_down,
            draining=worker.draining,
            last_error=worker.last_error,
            retry_in_s=worker.retry_in_s,
        )
