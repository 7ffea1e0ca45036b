"""A model that may be resident, and all the scheduler knows of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from avatar_appliance.leases.urgency import Urgency
from avatar_appliance.processes.restart_policy import RestartHistory

from .device import DeviceId
from .lease_request import LeaseId
from .slot_state import SlotState
from .worker_spec import WorkerSpec

BUSY_STATES = frozenset({SlotState.STARTING, SlotState.WAKING, SlotState.FALLING_ASLEEP, SlotState.STOPPING})
"""Something was begun and has not ended: no other action may be taken."""


@dataclass(slots=True)
class Holding:
    """A granted lease."""

    urgency: Urgency
    client: str = ""


@dataclass(slots=True, eq=False)
class ModelSlot:
    """Mutable on purpose: only the scheduler, in one task, ever touches it. Times are `now_s` of events."""

    spec: WorkerSpec
    """Replaced as its bytes and seconds are measured."""
    history: RestartHistory
    pinned: bool
    name: str = field(init=False)
    state: SlotState = SlotState.STOPPED
    device: DeviceId | None = None
    """Where it is, in every state that holds memory."""
    leases: dict[LeaseId, Holding] = field(default_factory=dict)
    since_s: float = 0.0
    """When it came into its state."""
    idle_since_s: float = 0.0
    """When its last lease ended, or it became ready."""
    retry_at_s: float = 0.0
    """Not started before."""
    held_down: bool = False
    """A person stopped it: only a person starts it."""
    draining: bool = False
    """It gets no new lease and stops when the last one ends."""
    rests: bool = False
    """It was put away for being idle: preloading does not bring it back, a request does."""
    process_gone: bool = False
    """While it stops: no process is left, only its memory has to come back."""
    after_stop: SlotState = SlotState.STOPPED
    """What it becomes when its memory is back."""
    hopeless: bool = False
    """Its configuration is broken: not tried again before a person asks."""
    out_of_memory: int = 0
    """Starts in a row that ran out of memory, rests between them or not."""
    wakes_failed: int = 0
    """Wakings in a row that found no room."""
    sheds: int = 0
    """Times in a row that it had to go before it had been there for `steady_after_s`, for want of memory."""
    cool_downs: int = 0
    """Crash loops in a row, without a life that was ready for `steady_after_s` between them."""
    last_error: str = ""
    start_failures: int = 0
    """Starts in a row that failed for other reasons, on this device."""
    all_devices: tuple[DeviceId, ...] = ()
    """Where it could run, those included that were given up since (`spec.devices` is what is left)."""
    crashes: int = 0
    """How often it ended by itself or failed to start."""
    started_bytes: int = 0
    """What it held when it came up this time, 0 where that could not be measured."""
    growth_bytes: int = 0
    """What it was seen to take more once it was used (workspaces, graphs): charged from the start of its next life."""
    measured: bool = False
    """Whether `spec.rest_bytes` was measured in this life; until then a reading replaces it, down as well as up."""

    def __post_init__(self) -> None:
        self.name = self.spec.name
        self.all_devices = self.spec.devices

    @property
    def ready(self) -> bool:
        """Whether it can take a lease, but for their number."""
        return self.state is SlotState.READY and not self.draining

    @property
    def full(self) -> bool:
        """Whether as many compute as may. Who only holds it (IDLE) is not counted: between two sentences of one answer
        the lease of the first is kept until the second has its own."""
        computing = sum(holding.urgency is not Urgency.IDLE for holding in self.leases.values())
        return computing >= self.spec.max_leases

    @property
    def idle(self) -> bool:
        """Whether nobody uses it and nothing is under way."""
        return not self.leases and self.state in (SlotState.READY, SlotState.SLEEPING)

    def computes_urgently(self, but: LeaseId) -> bool:
        """Return whether a lease other than `but` is in a hurry."""
        return any(holding.urgency.urgent for lease_id, holding in self.leases.items() if lease_id != but)
