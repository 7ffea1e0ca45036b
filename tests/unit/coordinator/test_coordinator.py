"""The coordinator around the scheduler: answers at once, slow work beside, memory watched until it is back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from avatar_appliance.coordinator.actions import Deny, Grant, Revoke
from avatar_appliance.coordinator.coordinator import Answer, Coordinator
from avatar_appliance.coordinator.events import (
    Cancelled,
    Declared,
    Released,
    Requested,
    SleepWanted,
    StartWanted,
    StopWanted,
)
from avatar_appliance.coordinator.lease_request import LeaseRequest
from avatar_appliance.coordinator.memory_meter import MemoryMeter
from avatar_appliance.coordinator.policy import SchedulerPolicy
from avatar_appliance.coordinator.scheduler import Scheduler
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.worker_spec import WorkerSpec
from avatar_appliance.leases import Urgency

from .shell_harness import GIB, Script, ScriptedCard, ScriptedLauncher


class Shell:
    """A coordinator on a scripted card, and what it answered."""

    def __init__(self, specs: list[WorkerSpec], scripts: dict[str, Script] | None = None) -> None:
        self.card = ScriptedCard()
        self.launcher = ScriptedLauncher(self.card, scripts or {spec.name: Script(spec.rest_bytes) for spec in specs})
        policy = SchedulerPolicy(
            min_residency_s=0, first_delay_s=0.05, redeclare_grace_s=0.05, better_rung_patience_s=0
        )
        self.coordinator = Coordinator(
            Scheduler(specs, policy),
            self.launcher,
            MemoryMeter(self.card, self.launcher.pids, lambda _: None),
            tick_s=0.02,
        )
        self.answers: list[Answer] = []
        self._changed = asyncio.Event()
        self.coordinator.on_answer(self._heard)
        self.submit = self.coordinator.submit

    def _heard(self, answer: Answer) -> None:
        self.answers.append(answer)
        self._changed.set()

    def ask(self, lease_id: str, *ladder: str, wait_s: float = 2.0, urgency: Urgency = Urgency.FIRST) -> None:
        deadline_s = asyncio.get_running_loop().time() + wait_s
        self.submit(Requested(LeaseRequest(lease_id=lease_id, ladder=ladder, urgency=urgency, deadline_s=deadline_s)))

    async def answer(self, lease_id: str) -> Answer:
        async with asyncio.timeout(5):
            while True:
                for answer in self.answers:
                    if answer.lease_id == lease_id:
                        return answer
                self._changed.clear()
                await self._changed.wait()

    def state(self, worker: str) -> SlotState:
        return self.coordinator.scheduler.slots[worker].state

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.005)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Shell]:
        async with self.coordinator.running():
            yield self


def spec(name: str, size_gib: float = 2, **more: object) -> WorkerSpec:
    size = int(size_gib * GIB)
    values: dict[str, object] = {"peak_bytes": size, "start_s": 0.1, **more}
    return WorkerSpec(name=name, role="tts", devices=("cuda:0",), rest_bytes=size, **values)  # type: ignore[arg-type]


async def test_a_request_brings_its_worker_up_and_is_granted_when_it_is_ready() -> None:
    async with Shell([spec("f5")]).running() as shell:
        shell.ask("a", "f5")
        assert await shell.answer("a") == Grant("a", "f5", None)
        assert shell.launcher.calls == [("start", "f5")]


async def test_a_ready_worker_is_granted_within_the_call() -> None:
    async with Shell([spec("f5", preload=True)]).running() as shell:
        await shell.until(lambda: shell.state("f5") is SlotState.READY)
        shell.ask("a", "f5")
        assert shell.answers == [Grant("a", "f5", None)]


async def test_measured_bytes_replace_the_estimate_and_are_handed_on() -> None:
    shell = Shell([spec("f5", 2)], {"f5": Script(3 * GIB, peak_bytes=4 * GIB)})
    measured: list[tuple[str, int | None, int | None]] = []
    shell.coordinator.work._measured = lambda worker, _, started: measured.append(
        (worker, started.rest_bytes, started.peak_bytes)
    )
    held = shell.launcher.scripts["f5"].held = asyncio.Event()
    async with shell.running():
        shell.ask("a", "f5")
        await shell.until(lambda: shell.coordinator.scheduler.accounts["cuda:0"].charges.get("f5") == 4 * GIB)
        held.set()
        await shell.answer("a")
    assert measured == [("f5", 3 * GIB, 4 * GIB)]
    assert shell.coordinator.scheduler.accounts["cuda:0"].charges == {"f5": 3 * GIB}


async def test_a_victim_is_gone_before_the_next_one_starts() -> None:
    async with Shell([spec("big", 14), spec("other", 14)]).running() as shell:
        shell.ask("a", "big")
        await shell.answer("a")
        shell.submit(Released("a"))
        shell.ask("b", "other")
        assert await shell.answer("b") == Grant("b", "other", None)
        assert shell.launcher.calls == [("start", "big"), ("stop", "big"), ("start", "other")]


async def test_a_worker_in_use_is_no_victim_and_the_refusal_says_so() -> None:
    async with Shell([spec("big", 14), spec("other", 14)]).running() as shell:
        shell.ask("a", "big")
        await shell.answer("a")
        shell.ask("b", "other", wait_s=0.1)
        denied = await shell.answer("b")
        assert isinstance(denied, Deny)
        assert denied.code == "no-memory"
        assert "needs 14 GiB on cuda:0" in denied.text
        assert "in use: big" in denied.text
        assert ("stop", "big") not in shell.launcher.calls


async def test_memory_that_does_not_come_back_counts_as_a_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avatar_appliance.coordinator.worker_tasks.RETURN_WAIT_S", 0.2)
    shell = Shell([spec("f5", 8)], {"f5": Script(8 * GIB, leaves_bytes=8 * GIB)})
    shell.card.hidden = True
    async with shell.running():
        shell.ask("a", "f5")
        await shell.answer("a")
        shell.submit(Released("a"))
        shell.submit(StopWanted("f5"))
        await shell.until(lambda: shell.state("f5") is SlotState.STOPPED)
        account = shell.coordinator.scheduler.accounts["cuda:0"]
        assert account.charges == {}
        assert account.foreign_bytes == 8 * GIB
        assert "residue" in [decision.kind for decision in shell.coordinator.decisions.recent]


async def test_a_crash_under_a_lease_revokes_it_and_the_worker_comes_back() -> None:
    async with Shell([spec("f5", preload=True)]).running() as shell:
        shell.ask("a", "f5")
        await shell.answer("a")
        shell.answers.clear()
        shell.launcher.crash("f5")
        assert await shell.answer("a") == Revoke("a", "f5")
        await shell.until(lambda: shell.state("f5") is SlotState.READY)
        assert shell.launcher.calls.count(("start", "f5")) == 2


async def test_out_of_memory_at_a_start_clears_what_is_idle_and_tries_once_more() -> None:
    shell = Shell([spec("idle", 2), spec("f5", 2)])
    shell.launcher.scripts["f5"].fails = ["out-of-memory"]
    async with shell.running():
        shell.ask("a", "idle")
        await shell.answer("a")
        shell.submit(Released("a"))
        shell.ask("b", "f5")
        assert await shell.answer("b") == Grant("b", "f5", None)
        assert ("stop", "idle") in shell.launcher.calls
        assert shell.launcher.calls.count(("start", "f5")) == 2


async def test_out_of_memory_twice_is_failed_and_the_ladder_goes_on_below() -> None:
    shell = Shell([spec("f5", 2), spec("piper", 0.1)])
    shell.launcher.scripts["f5"].fails = ["out-of-memory"] * 2
    async with shell.running():
        shell.submit(StartWanted("f5"))
        await shell.until(lambda: shell.state("f5") is SlotState.FAILED)
        shell.ask("b", "f5", "piper")
        granted = await shell.answer("b")
        assert isinstance(granted, Grant)
        assert granted.worker == "piper"
        assert granted.degraded == "piper instead of f5: f5 failed: out-of-memory"


async def test_a_start_that_is_stopped_leaves_no_process() -> None:
    shell = Shell([spec("f5")])
    shell.launcher.scripts["f5"].held = asyncio.Event()
    async with shell.running():
        shell.submit(StartWanted("f5"))
        await shell.until(lambda: shell.state("f5") is SlotState.STARTING)
        shell.submit(StopWanted("f5", force=True))
        await shell.until(lambda: shell.state("f5") is SlotState.STOPPED)
        assert shell.card.processes == {}


async def test_a_cancelled_request_gets_no_answer() -> None:
    shell = Shell([spec("f5")])
    held = shell.launcher.scripts["f5"].held = asyncio.Event()
    async with shell.running():
        shell.ask("a", "f5")
        shell.submit(Cancelled("a"))
        held.set()
        await shell.until(lambda: shell.state("f5") is SlotState.READY)
        assert shell.answers == []


async def test_a_worker_found_running_is_adopted_and_its_leases_are_declared_anew() -> None:
    shell = Shell([spec("f5", preload=True)])
    shell.launcher.already_up("f5")
    async with shell.running():
        assert shell.state("f5") is SlotState.READY
        shell.submit(Declared("old", "f5", Urgency.FIRST))
        shell.submit(StopWanted("f5"))
        assert shell.state("f5") is SlotState.READY, "somebody uses it"
        shell.submit(Released("old"))
        await shell.until(lambda: shell.state("f5") is SlotState.STOPPED)
        assert shell.launcher.calls == [("stop", "f5")], "nothing was started twice"


async def test_a_lease_on_a_worker_that_is_gone_is_revoked_when_declared() -> None:
    async with Shell([spec("f5")]).running() as shell:
        shell.submit(Declared("old", "f5", Urgency.FIRST))
        assert shell.answers == [Revoke("old", "f5")]


async def test_sleep_gives_memory_back_and_a_request_wakes() -> None:
    async with Shell([spec("llm", 8, can_sleep=True, preload=True)]).running() as shell:
        await shell.until(lambda: shell.state("llm") is SlotState.READY)
        shell.submit(SleepWanted("llm"))
        await shell.until(lambda: shell.state("llm") is SlotState.SLEEPING)
        assert shell.coordinator.scheduler.accounts["cuda:0"].charges == {"llm": GIB // 2}
        shell.ask("a", "llm")
        assert await shell.answer("a") == Grant("a", "llm", None)
        assert shell.launcher.calls == [("start", "llm"), ("sleep", "llm"), ("wake", "llm")]


async def test_a_hog_sends_idle_workers_away_and_they_come_back_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell([spec("llm", 12, preload=True)])
    object.__setattr__(shell.coordinator.scheduler.policy, "after_shed_s", 0.1)
    object.__setattr__(shell.coordinator.scheduler.policy, "guest_share", 2.0)
    async with shell.running():
        await shell.until(lambda: shell.state("llm") is SlotState.READY)
        shell.card.processes[9] = 12 * GIB
        await shell.until(lambda: shell.state("llm") is SlotState.STOPPED)
        del shell.card.processes[9]
        await shell.until(lambda: shell.state("llm") is SlotState.READY)


async def test_a_hog_never_ends_a_turn() -> None:
    async with Shell([spec("llm", 12)]).running() as shell:
        shell.ask("a", "llm")
        await shell.answer("a")
        shell.card.processes[9] = 12 * GIB
        await shell.until(lambda: shell.coordinator.scheduler.accounts["cuda:0"].free_bytes < 0)
        shell.submit(Released("a"))
        await shell.until(lambda: shell.state("llm") is SlotState.STOPPED)
        assert shell.launcher.calls == [("start", "llm"), ("stop", "llm")]


async def test_a_card_that_cannot_be_read_gets_no_start_and_is_used_again_later() -> None:
    async with Shell([spec("f5")]).running() as shell:
        await shell.until(lambda: shell.coordinator.scheduler.accounts["cuda:0"].usable_bytes > 0)
        shell.card.broken = True
        await shell.until(lambda: shell.coordinator.scheduler.accounts["cuda:0"].lost)
        shell.ask("a", "f5", wait_s=0.05)
        denied = await shell.answer("a")
        assert isinstance(denied, Deny)
        assert "cannot be read" in denied.text
        shell.card.broken = False
        shell.ask("b", "f5")
        assert await shell.answer("b") == Grant("b", "f5", None)


async def test_decisions_reach_a_stream() -> None:
    async with Shell([spec("f5")]).running() as shell:
        with shell.coordinator.decisions.stream() as stream:
            shell.ask("a", "f5")
            await shell.answer("a")
            kinds = [(await anext(stream)).kind for _ in range(2)]
    assert kinds == ["start", "ready"]


async def test_a_gpu_on_which_a_worker_does_not_start_is_given_up_for_the_cpu() -> None:
    """Whisper without the libraries of CUDA: it would fail there for ever, and the house would have no ears."""
    shell = Shell([replace(spec("whisper"), devices=("cuda:0", "cpu"))])
    shell.launcher.scripts["whisper"].fails = ["crashed", "crashed"]
    async with shell.running():
        shell.ask("a", "whisper", wait_s=4)
        assert await shell.answer("a") == Grant("a", "whisper", None)
        assert shell.coordinator.scheduler.slots["whisper"].device == "cpu"
        told = [d.text for d in shell.coordinator.decisions.recent if d.kind == "failed"]
        assert told == ["whisper does not start on cuda:0 (crashed): from now on cpu"]
        shell.submit(StopWanted("whisper", force=True))
        await shell.until(lambda: shell.state("whisper") is SlotState.STOPPED)
        shell.submit(StartWanted("whisper"))
        await shell.until(lambda: shell.state("whisper") is SlotState.READY)
        assert shell.coordinator.scheduler.slots["whisper"].device == "cuda:0", "a person has it tried again"


@pytest.mark.parametrize("call", ["start", "sleep", "wake", "stop"])
async def test_a_defect_in_the_launcher_leaves_no_worker_stuck(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every piece of work ends in an event, or the worker would be starting, or falling asleep, for ever."""
    monkeypatch.setattr("avatar_appliance.coordinator.worker_tasks.RETURN_WAIT_S", 0.2)
    shell = Shell([spec("llm", 8, can_sleep=True)])
    shell.launcher.scripts["llm"].defects = {call}
    async with shell.running():
        shell.ask("a", "llm", wait_s=4)
        await shell.answer("a")
        shell.submit(Released("a"))
        shell.submit(SleepWanted("llm"))
        await shell.until(lambda: shell.state("llm") in (SlotState.SLEEPING, SlotState.STOPPED))
        shell.ask("b", "llm", wait_s=4)
        assert await shell.answer("b") == Grant("b", "llm", None)
        shell.submit(Released("b"))
        shell.submit(StopWanted("llm"))
        await shell.until(lambda: shell.state("llm") is SlotState.STOPPED)
        shell.submit(StartWanted("llm"))
        await shell.until(lambda: shell.state("llm") is SlotState.READY)


async def test_a_process_manager_that_is_away_is_no_reason_to_give_a_gpu_up() -> None:
    shell = Shell([replace(spec("whisper"), devices=("cuda:0", "cpu"))])
    shell.launcher.scripts["whisper"].fails = ["unavailable"] * 3
    async with shell.running():
        shell.ask("a", "whisper", wait_s=4)
        await shell.answer("a")
        assert shell.coordinator.scheduler.slots["whisper"].device == "cuda:0"
