"""What people see of the coordinator, and what they may ask of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from avatar_appliance.leases.urgency import Urgency

from .decision import Decision
from .device import DeviceId, DeviceReading, ProcessMemory
from .guest_mode import GuestSetting
from .lease_request import LeaseId
from .policy import SchedulerPolicy
from .slot_state import SlotState
from .worker_spec import WorkerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """One device: what it has, what may be used, who uses it."""

    device: DeviceId
    reading: DeviceReading | None
    """The last look; None where there has been none, or the device is lost."""
    budget_bytes: int
    """What our workers and others may hold together: the ceiling less the headroom."""
    charged_bytes: int
    """What is charged to our workers: promised to a start, or seen."""
    foreign_bytes: int
    """What others hold."""
    charges: Mapping[str, int] = field(default_factory=dict)
    """By worker."""
    foreign_processes: tuple[ProcessMemory, ...] | None = None
    """Programs of others; None where processes cannot be seen."""
    guest: str | None = None
    """Why voice keeps off this device; None where it does not."""
    lost: bool = False
    """It could be read once and cannot any more."""

    @property
    def free_bytes(self) -> int:
        """What a start may still take; negative after a surprise."""
        return self.budget_bytes - self.charged_bytes - self.foreign_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """One worker. All times are seconds before or after the moment the state was taken."""

    spec: WorkerSpec
    """What is known of it now: measured where it was measured."""
    engine: str
    state: SlotState
    """`ready` for an external worker: it is never started or stopped here."""
    pinned: bool
    """By the configuration, or by a person since."""
    device: DeviceId | None = None
    """Where it holds memory."""
    progress: str = ""
    """What it is doing while it comes up: "loading", "warming up"."""
    charged_bytes: int = 0
    seen_bytes: int | None = None
    """What its processes were seen to hold on its device; None where they cannot be told apart."""
    measured: bool = False
    """Whether `spec.rest_bytes` and `spec.peak_bytes` were measured on this machine, or are estimates."""
    leases: int = 0
    """Requests that use it now."""
    crashes: int = 0
    """How often it ended by itself, or failed to start, since the appliance started."""
    since_s: float = 0.0
    """How long it has been in its state."""
    idle_s: float | None = None
    """How long nobody has used it; None while somebody does, or while it is not up."""
    held_down: bool = False
    """A person stopped it: it comes back only when a person starts it."""
    draining: bool = False
    """It stops when its last request ends."""
    last_error: str | None = None
    retry_in_s: float | None = None
    """When it is tried again; None: now, or not before somebody asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRequest:
    """A request for a lease that has no answer yet."""

    lease_id: LeaseId
    client: str
    ladder: tuple[str, ...]
    urgency: Urgency
    waited_s: float
    deadline_in_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestState:
    """Whether somebody else has the GPUs."""

    mode: GuestSetting
    remaining_s: float | None = None
    """After which it is `auto` again; None: it stays."""
    guests: Mapping[DeviceId, str] = field(default_factory=dict)
    """Devices that voice keeps off now, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorState:
    """Everything at one moment."""

    devices: Sequence[DeviceState]
    """GPUs first, `cpu` last."""
    workers: Sequence[WorkerState]
    """In the order of the ladders."""
    waiting: Sequence[WaitingRequest]
    guest_mode: GuestState
    decisions: Sequence[Decision]
    """The last ones, oldest first."""
    policy: SchedulerPolicy = field(default_factory=SchedulerPolicy)
    """The numbers in force."""
    notes: Sequence[str] = ()
    """What people should know about the readings: why there is no GPU, what a container hides."""


class CoordinatorControl(Protocol):
    """The coordinator as the HTTP API and the command line know it.

    A command returns the worker's state as soon as it is accepted; the work goes on, and decisions tell its end. Every
    command on a worker raises WorkerUnknown, and CommandRefused where it makes no sense as things are: an external
    worker, one that cannot sleep, one in use that is not forced. What cannot be done now raises what a denied lease
    would (NoMemory, GuestMode, WorkerFailed), with the scheduler's explanation as its text.
    """

    def state(self) -> CoordinatorState:
        """Return what is known at this moment, without I/O."""
        ...

    def events(self) -> AbstractContextManager[AsyncIterator[Decision]]:
        """Open a stream of the decisions from now on; a slow reader loses the oldest. It ends with the coordinator."""
        ...

    def time_of_day(self, at_s: float) -> float:
        """Return the epoch seconds of a moment of the coordinator's clock (`Decision.at_s`)."""
        ...

    async def start(self, worker: str) -> WorkerState:
        """Bring a worker up, or wake it; idle workers of any priority may go for it."""
        ...

    async def preload(self, worker: str) -> WorkerState:
        """Bring a worker up beside everything else; nobody goes for it."""
        ...

    async def stop(self, worker: str, *, force: bool = False) -> WorkerState:
        """End a worker and keep it down until a person starts it; one in use ends when its last request does, or with
        `force` at once."""
        ...

    async def sleep(self, worker: str) -> WorkerState:
        """Put an idle worker to sleep; the next request wakes it."""
        ...

    async def wake(self, worker: str) -> WorkerState:
        """Wake a sleeping worker; what a worker in another state makes of it is CommandRefused."""
        ...

    async def pin(self, worker: str, pinned: bool) -> WorkerState:
        """Keep a worker from going for the memory of others, or let it go; until the appliance restarts."""
        ...

    async def guest_mode(self, mode: GuestSetting, duration_s: float | None = None) -> GuestState:
        """Give the GPUs away (`on`), keep them (`off`), or let others' use decide (`auto`); after `duration_s` it is
        `auto` again."""
        ...
