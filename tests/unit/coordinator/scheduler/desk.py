"""A scheduler on a desk: events by hand, actions and decisions to look at, no world around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from avatar_appliance.coordinator import events as ev
from avatar_appliance.coordinator.actions import Action, Deny, Grant, Revoke, Sleep, Start, Stop, Wake
from avatar_appliance.coordinator.decision import Decision
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.eviction import Eviction
from avatar_appliance.coordinator.lease_request import LeaseRequest
from avatar_appliance.coordinator.policy import SchedulerPolicy
from avatar_appliance.coordinator.scheduler import Scheduler
from avatar_appliance.coordinator.slot import ModelSlot
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.worker_spec import WorkerSpec
from avatar_appliance.leases import Urgency

GIB = 2**30
GPU = "cuda:0"
# Round numbers: the whole card may be charged, nobody is protected for having just come, nobody is a guest.
PLAIN = SchedulerPolicy(gpu_ceiling=1.0, cpu_ceiling=1.0, headroom_bytes=0, min_residency_s=0.0, guest_share=2.0)


def gib(size: float) -> int:
    return int(size * GIB)


def worker(name: str, rest_gib: float = 1.0, peak_gib: float | None = None, **fields: Any) -> WorkerSpec:
    """A worker on the GPU, unless `devices` says otherwise."""
    fields.setdefault("devices", (GPU,))
    fields.setdefault("role", "tts")
    peak = rest_gib if peak_gib is None else peak_gib
    return WorkerSpec(name=name, rest_bytes=gib(rest_gib), peak_bytes=gib(peak), **fields)


def cpu_worker(name: str, rest_gib: float = 0.5, **fields: Any) -> WorkerSpec:
    return worker(name, rest_gib, devices=(CPU,), **fields)


class Desk:
    """Devices are seen from the start; `now_s` moves with `wait` only."""

    def __init__(
        self,
        *specs: WorkerSpec,
        policy: SchedulerPolicy = PLAIN,
        gpus: Mapping[str, float] | None = None,
        ram_gib: float = 64,
    ) -> None:
        self.now_s = 1000.0
        self.scheduler = Scheduler(specs, policy)
        self.decisions: list[Decision] = []
        self.sizes = {GPU: 24.0} if gpus is None else dict(gpus)
        self.sizes[CPU] = ram_gib
        self.first = [action for device in self.sizes for action in self.see(device)]
        """What was done when the devices were seen first."""

    # Events

    def do(self, event: ev.Event) -> list[Action]:
        actions = self.scheduler.handle(event, self.now_s)
        self.decisions += self.scheduler.take_decisions()
        return actions

    def wait(self, duration_s: float) -> list[Action]:
        """Let time pass, with a tick at its end."""
        self.now_s += duration_s
        return self.do(ev.Tick())

    def see(
        self,
        device: str = GPU,
        *,
        foreign: float = 0.0,
        own: Mapping[str, float | None] | None = None,
        names: frozenset[str] = frozenset(),
    ) -> list[Action]:
        """Read a device: strangers hold `foreign` GiB; ours hold what they are charged, but for `own`."""
        charges = self.account(device).charges if device in self.scheduler.accounts else {}
        held: dict[str, int | None] = {
            name: size for name, size in charges.items() if self.slot(name).state is not SlotState.STOPPING
        }
        used = gib(foreign) + sum(charges.values())
        for name, size in (own or {}).items():
            held[name] = None if size is None else gib(size)
            if size is not None:
                used += gib(size) - charges.get(name, 0)
        return self.do(
            ev.DeviceSeen(
                device=device,
                usable_bytes=gib(self.sizes[device]),
                used_bytes=used,
                own_bytes=held,
                foreign_names=names,
            )
        )

    def ask(
        self,
        lease_id: str,
        *ladder: str,
        wait_s: float = 2.0,
        urgency: Urgency = Urgency.FIRST,
        warm: tuple[str, ...] = (),
    ) -> list[Action]:
        return self.do(
            ev.Requested(
                LeaseRequest(
                    lease_id=lease_id,
                    ladder=ladder,
                    urgency=urgency,
                    deadline_s=self.now_s + wait_s,
                    warm=warm,
                    client="tts",
                )
            )
        )

    def up(self, *names: str, rest: float | None = None) -> None:
        """Bring workers up one by one, as their owner would."""
        for name in names:
            actions = self.do(ev.StartWanted(name, Eviction.NONE))
            assert Start(name, self.slot(name).device or "", self.charge(name)) in actions, actions
            self.do(ev.Started(name, None if rest is None else gib(rest)))
            assert self.state(name) is SlotState.READY

    def lease(self, lease_id: str, name: str, urgency: Urgency = Urgency.FIRST) -> None:
        """Have a ready worker leased."""
        assert self.ask(lease_id, name, urgency=urgency) == [Grant(lease_id, name)]

    def gone(self, name: str, residue: float = 0.0) -> list[Action]:
        """Let a worker that was told to stop end, and its memory come back."""
        first = self.do(ev.Stopped(name))
        return [*first, *self.do(ev.MemoryReturned(name, gib(residue)))]

    def asleep(self, name: str, left: float | None = None) -> None:
        """Put a ready worker to sleep."""
        assert self.do(ev.SleepWanted(name)) == [Sleep(name)]
        self.do(ev.FellAsleep(name, None if left is None else gib(left)))
        assert self.state(name) is SlotState.SLEEPING

    # What is

    def slot(self, name: str) -> ModelSlot:
        return self.scheduler.slots[name]

    def state(self, name: str) -> SlotState:
        return self.slot(name).state

    def account(self, device: str = GPU) -> Any:
        return self.scheduler.accounts[device]

    def charge(self, name: str, device: str | None = None) -> int:
        """Return what a worker is charged where it is."""
        device = device or self.slot(name).device
        return 0 if device is None else self.account(device).charges.get(name, 0)

    def texts(self, kind: str) -> list[str]:
        return [decision.text for decision in self.decisions if decision.kind == kind]


def stops(actions: list[Action]) -> list[str]:
    return [action.worker for action in actions if isinstance(action, Stop)]


def starts(actions: list[Action]) -> list[str]:
    return [action.worker for action in actions if isinstance(action, Start)]


def sleeps(actions: list[Action]) -> list[str]:
    return [action.worker for action in actions if isinstance(action, Sleep)]


def wakes(actions: list[Action]) -> list[str]:
    return [action.worker for action in actions if isinstance(action, Wake)]


def answers(actions: list[Action]) -> list[Grant | Deny]:
    return [action for action in actions if isinstance(action, Grant | Deny)]


def revoked(actions: list[Action]) -> list[str]:
    return [action.lease_id for action in actions if isinstance(action, Revoke)]


def denial(actions: list[Action]) -> Deny:
    """Return the only answer, which is a no."""
    (answer,) = answers(actions)
    assert isinstance(answer, Deny), answer
    return answer
