"""Devices, requests and plans as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from avatar_appliance.coordinator.guest_mode import GuestSetting
from avatar_appliance.coordinator.plan import Fit, PlannedDevice, PlannedWorker, VramPlan
from avatar_appliance.coordinator.state import CoordinatorControl, DeviceState, GuestState, WaitingRequest
from avatar_appliance.coordinator.worker_spec import WorkerRole
from avatar_appliance.leases.urgency import UrgencyName
from avatar_appliance.store import DecisionRecord

from .decision_models import DecisionView
from .times import moment
from .worker_models import WorkerView


class ForeignProcess(BaseModel):
    """A program of somebody else that holds memory of a device."""

    pid: int
    name: str
    used_bytes: int | None = Field(description="null where the driver does not tell.")


class DeviceView(BaseModel):
    """A GPU, or the machine's RAM (`cpu`)."""

    device: str
    name: str
    uuid: str
    lost: bool = Field(description="It cannot be read any more.")
    total_bytes: int | None
    usable_bytes: int | None = Field(description="Without what the driver keeps.")
    used_bytes: int | None = Field(description="By everybody.")
    budget_bytes: int = Field(description="What workers and others may hold together.")
    charged_bytes: int = Field(description="Promised to our workers, or held by them.")
    foreign_bytes: int = Field(description="Held by others.")
    room_bytes: int = Field(description="What a start may still take; negative after a surprise.")
    charges: Mapping[str, int] = Field(description="By worker.")
    foreign_processes: list[ForeignProcess] | None = Field(description="null where processes cannot be seen.")
    guest: str | None = Field(description="Why voice keeps off this device.")
    temperature_c: int | None
    utilisation_percent: int | None

    @classmethod
    def of(cls, device: DeviceState) -> Self:
        """Return a device."""
        reading = device.reading
        return cls(
            device=device.device,
            name=reading.name if reading else "",
            uuid=reading.uuid if reading else "",
            lost=device.lost,
            total_bytes=reading.total_bytes if reading else None,
            usable_bytes=reading.usable_bytes if reading else None,
            used_bytes=reading.used_bytes if reading else None,
            budget_bytes=device.budget_bytes,
            charged_bytes=device.charged_bytes,
            foreign_bytes=device.foreign_bytes,
            room_bytes=device.free_bytes,
            charges=device.charges,
            foreign_processes=None
            if device.foreign_processes is None
            else [ForeignProcess(pid=p.pid, name=p.name, used_bytes=p.used_bytes) for p in device.foreign_processes],
            guest=device.guest,
            temperature_c=reading.temperature_c if reading else None,
            utilisation_percent=reading.utilisation_percent if reading else None,
        )


class WaitingView(BaseModel):
    """A request that has no worker yet."""

    lease_id: str
    client: str
    ladder: list[str]
    urgency: UrgencyName
    waited_s: float
    deadline_in_s: float

    @classmethod
    def of(cls, request: WaitingRequest) -> Self:
        """Return a waiting request."""
        return cls(
            lease_id=request.lease_id,
            client=request.client,
            ladder=list(request.ladder),
            urgency=request.urgency.wire_name,
            waited_s=request.waited_s,
            deadline_in_s=request.deadline_in_s,
        )


class GuestModeView(BaseModel):
    """Whether somebody else has the GPUs."""

    mode: GuestSetting
    until: datetime | None = Field(description="When it is `auto` again; null: it stays.")
    guests: Mapping[str, str] = Field(description="Devices that voice keeps off now, and why.")

    @classmethod
    def of(cls, guest: GuestState, now: float) -> Self:
        """Return the state of guest mode as it was at `now` (epoch seconds)."""
        until = None if guest.remaining_s is None else moment(now + guest.remaining_s)
        return cls(mode=guest.mode, until=until, guests=guest.guests)


class VramView(BaseModel):
    """Everything the coordinator knows at this moment."""

    at: datetime
    devices: list[DeviceView]
    workers: list[WorkerView]
    waiting: list[WaitingView]
    guest_mode: GuestModeView
    decisions: list[DecisionView] = Field(description="The last ones, newest first.")
    notes: list[str] = Field(description="What to know about the readings.")

    @classmethod
    def of(cls, control: CoordinatorControl, now: float) -> Self:
        """Return the state of the coordinator at `now` (epoch seconds)."""
        state = control.state()
        return cls(
            at=moment(now),
            devices=[DeviceView.of(device) for device in state.devices],
            workers=[WorkerView.of(worker, now) for worker in state.workers],
            waiting=[WaitingView.of(request) for request in state.waiting],
            guest_mode=GuestModeView.of(state.guest_mode, now),
            decisions=[
                DecisionView.of(DecisionRecord.of(decision, control.time_of_day(decision.at_s)))
                for decision in reversed(state.decisions)
            ],
            notes=list(state.notes),
        )


class PlannedDeviceView(BaseModel):
    """A device with everything loaded that fits."""

    device: str
    name: str
    usable_bytes: int
    budget_bytes: int
    foreign_bytes: int
    planned_bytes: int
    beside_gpu_bytes: int = Field(description="Part of it: RAM of workers whose models are on a GPU.")
    room_bytes: int

    @classmethod
    def of(cls, device: PlannedDevice) -> Self:
        """Return a planned device."""
        return cls(
            device=device.device,
            name=device.name,
            usable_bytes=device.usable_bytes,
            budget_bytes=device.budget_bytes,
            foreign_bytes=device.foreign_bytes,
            planned_bytes=device.planned_bytes,
            beside_gpu_bytes=device.beside_gpu_bytes,
            room_bytes=device.free_bytes,
        )


class PlannedWorkerView(BaseModel):
    """Where a worker would be; totals are of its device, in the order in which workers come up."""

    name: str
    role: WorkerRole
    fit: Fit
    device: str | None
    priority: int
    pinned: bool
    measured: bool
    rest_bytes: int
    peak_bytes: int
    rest_total_bytes: int | None
    peak_total_bytes: int | None
    instead_of: list[str]
    text: str

    @classmethod
    def of(cls, worker: PlannedWorker) -> Self:
        """Return a planned worker."""
        return cls(
            name=worker.name,
            role=worker.role,
            fit=worker.fit,
            device=worker.device,
            priority=worker.priority,
            pinned=worker.pinned,
            measured=worker.measured,
            rest_bytes=worker.rest_bytes,
            peak_bytes=worker.peak_bytes,
            rest_total_bytes=worker.rest_total_bytes,
            peak_total_bytes=worker.peak_total_bytes,
            instead_of=list(worker.instead_of),
            text=worker.text,
        )


class PlanView(BaseModel):
    """What would fit. `fit` is resident (loaded with the appliance), beside (when first asked for, beside the others),
    instead (when asked for, others go for it), no, or external."""

    all_fit: bool
    devices: list[PlannedDeviceView]
    workers: list[PlannedWorkerView]

    @classmethod
    def of(cls, plan: VramPlan) -> Self:
        """Return a plan."""
        return cls(
            all_fit=plan.all_fit,
            devices=[PlannedDeviceView.of(device) for device in plan.devices],
            workers=[PlannedWorkerView.of(worker) for worker in plan.workers],
        )
