"""A coordinator whose state a test sets; it notes the commands it gets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import replace

from avatar_appliance.coordinator.control_errors import WorkerUnknown
from avatar_appliance.coordinator.decision import Decision
from avatar_appliance.coordinator.decision_stream import DecisionLog
from avatar_appliance.coordinator.device import DeviceReading, ProcessMemory
from avatar_appliance.coordinator.guest_mode import GuestSetting
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.state import CoordinatorState, DeviceState, GuestState, WaitingRequest, WorkerState
from avatar_appliance.coordinator.worker_spec import WorkerSpec
from avatar_appliance.errors import AvatarError
from avatar_appliance.leases.urgency import Urgency

GIB = 2**30
CLOCK_STARTED = 1_700_000_000.0
"""Epoch seconds when the fake's clock was at 0."""

GPU = DeviceState(
    device="cuda:0",
    reading=DeviceReading(
        device="cuda:0", name="NVIDIA GeForce RTX 3090", total_bytes=24 * GIB, used_bytes=9 * GIB,
        reserved_bytes=GIB // 2, uuid="GPU-1", temperature_c=41, utilisation_percent=3,
        processes=(ProcessMemory(10, 8 * GIB, "python"), ProcessMemory(99, GIB, "cs2")),
    ),
    budget_bytes=21 * GIB,
    charged_bytes=8 * GIB,
    foreign_bytes=GIB,
    charges={"vllm": 8 * GIB},
    foreign_processes=(ProcessMemory(99, GIB, "cs2"),),
)  # fmt: skip
RAM = DeviceState(
    device="cpu",
    reading=DeviceReading(device="cpu", name="RAM", total_bytes=32 * GIB, used_bytes=8 * GIB),
    budget_bytes=30 * GIB,
    charged_bytes=GIB,
    foreign_bytes=7 * GIB,
    charges={"piper": GIB},
)
VLLM = WorkerState(
    spec=WorkerSpec(
        name="vllm", role="llm", devices=("cuda:0",), rest_bytes=8 * GIB, peak_bytes=9 * GIB, host_bytes=3 * GIB,
        priority=60, preload=True, can_sleep=True, sleep_bytes=GIB, keep_alive_s=600,
    ),
    engine="vllm", state=SlotState.READY, pinned=False, device="cuda:0", charged_bytes=8 * GIB, seen_bytes=8 * GIB,
    measured=True, leases=2, since_s=100.0,
)  # fmt: skip
COSYVOICE = WorkerState(
    spec=WorkerSpec(
        name="cosyvoice", role="tts", devices=("cuda:0",), rest_bytes=14 * GIB, peak_bytes=15 * GIB, priority=30
    ),
    engine="cosyvoice", state=SlotState.FAILED, pinned=False, last_error="it ran out of memory", retry_in_s=42.0,
)  # fmt: skip
PIPER = WorkerState(
    spec=WorkerSpec(
        name="piper", role="tts", devices=("cpu",), rest_bytes=GIB, peak_bytes=GIB, priority=90, pinned=True
    ),
    engine="piper", state=SlotState.READY, pinned=True, device="cpu", charged_bytes=GIB, idle_s=75.0, since_s=500.0,
)  # fmt: skip
ELSEWHERE = WorkerState(
    spec=WorkerSpec(name="big-llm", role="llm", external=True), engine="openai", state=SlotState.READY, pinned=False
)


class FakeCoordinator:
    """Implements CoordinatorControl."""

    def __init__(self) -> None:
        self.devices = [GPU, RAM]
        self.workers = [VLLM, COSYVOICE, PIPER, ELSEWHERE]
        self.guest = GuestState(mode="auto")
        self.commands: list[tuple[object, ...]] = []
        self.refusal: AvatarError | None = None
        self.log = DecisionLog()
        self.becomes: list[SlotState] = []
        """States a worker goes through, one at each look, after a command."""

    def decide(self, text: str, at_s: float = 5.0, **values: str) -> None:
        """Take a decision."""
        self.log.add(Decision(kind="start", at_s=at_s, text=text, **values))  # type: ignore[arg-type]

    def state(self) -> CoordinatorState:
        if self.becomes and self.commands:
            name = self.commands[-1][1]
            state = self.becomes.pop(0)
            self.workers = [replace(w, state=state) if w.spec.name == name else w for w in self.workers]
        return CoordinatorState(
            devices=self.devices,
            workers=self.workers,
            waiting=[
                WaitingRequest(
                    lease_id="tts-1", client="tts", ladder=("cosyvoice", "piper"), urgency=Urgency.FIRST, waited_s=0.25,
                    deadline_in_s=1.75,
                )
            ],
            guest_mode=self.guest,
            decisions=self.log.recent,
            notes=["cuda:0: pids are hidden"],
        )  # fmt: skip

    def events(self) -> AbstractContextManager[AsyncIterator[Decision]]:
        return self.log.stream()

    def time_of_day(self, at_s: float) -> float:
        return CLOCK_STARTED + at_s

    async def start(self, worker: str) -> WorkerState:
        return self._note("start", worker)

    async def preload(self, worker: str) -> WorkerState:
        return self._note("preload", worker)

    async def stop(self, worker: str, *, force: bool = False) -> WorkerState:
        return self._note("stop", worker, force)

    async def sleep(self, worker: str) -> WorkerState:
        return self._note("sleep", worker)

    async def wake(self, worker: str) -> WorkerState:
        return self._note("wake", worker)

    async def pin(self, worker: str, pinned: bool) -> WorkerState:
        return replace(self._note("pin", worker, pinned), pinned=pinned)

    async def guest_mode(self, mode: GuestSetting, duration_s: float | None = None) -> GuestState:
        self.commands.append(("guest_mode", mode, duration_s))
        self.guest = GuestState(
            mode=mode, remaining_s=duration_s, guests={"cuda:0": "guest mode was switched on"} if mode == "on" else {}
        )
        return self.guest

    def _note(self, *command: object) -> WorkerState:
        if self.refusal is not None:
            raise self.refusal
        found = [worker for worker in self.workers if worker.spec.name == command[1]]
        if not found:
            raise WorkerUnknown(f"no ladder uses a worker {command[1]!r}")
        self.commands.append(command)
        return found[0]
