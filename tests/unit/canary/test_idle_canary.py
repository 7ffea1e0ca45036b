"""When the house talks to itself, and what it does about what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from avatar_appliance.config import Settings
from avatar_appliance.control.idle_canary import IdleCanary
from avatar_appliance.coordinator.commands import CoordinatorCommands
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.state import CoordinatorState, GuestState, WorkerState
from avatar_appliance.coordinator.worker_spec import WorkerSpec

from .scripted_workers import ScriptedWorker


class House:
    """A coordinator that only remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.workers = {
            "mouth": WorkerState(
                spec=WorkerSpec(name="mouth", role="tts"), engine="", state=SlotState.READY, pinned=False, idle_s=999
            ),
            "ears": WorkerState(
                spec=WorkerSpec(name="ears", role="asr"), engine="", state=SlotState.READY, pinned=False, idle_s=999
            ),
        }

    def state(self) -> CoordinatorState:
        return CoordinatorState(
            devices=(),
            workers=tuple(self.workers.values()),
            waiting=(),
            guest_mode=GuestState(mode="auto"),
            decisions=(),
        )

    def note_canary(self, worker: str, text: str) -> None:
        self.notes.append(text)

    async def stop(self, worker: str, *, force: bool = False) -> None:
        self.told.append(("stop", worker))

    async def preload(self, worker: str) -> None:
        self.told.append(("preload", worker))

    def change(self, name: str, **changes: object) -> None:
        self.workers[name] = replace(self.workers[name], **changes)  # type: ignore[arg-type]


class Trial:
    """Everything a test touches."""

    def __init__(self, folder: Path) -> None:
        tree = {
            "paths": {"runtime_dir": str(folder)},
            "workers": {
                "mouth": {"engine": "fake", "fake_role": "tts"},
                "ears": {"engine": "fake", "fake_role": "asr"},
                "mind": {"engine": "fake", "fake_role": "llm"},
            },
            "tts": {"workers": ["mouth"]},
            "asr": {"workers": ["ears"]},
            "conversation": {"workers": ["mind"]},
        }
        self.house = House()
        self.mouth, self.ears = ScriptedWorker("mouth"), ScriptedWorker("ears")
        self.canary = IdleCanary(Settings.from_sources(tree, {}), cast("CoordinatorCommands", self.house))


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[Trial]:
    trial = Trial(tmp_path)
    async with trial.mouth.serving(tmp_path), trial.ears.serving(tmp_path):
        yield trial


async def test_a_house_that_understands_itself_has_no_problem(trial: Trial) -> None:
    assert await trial.canary.once()
    assert trial.mouth.texts
    assert trial.canary.problems() == ()
    assert trial.house.told == []


async def test_two_misses_restart_the_worker_and_raise_a_problem_that_a_success_clears(trial: Trial) -> None:
    trial.mouth.fault = "error"
    await trial.canary.once()
    assert trial.house.told == []
    await trial.canary.once()
    assert trial.house.told == [("stop", "mouth"), ("preload", "mouth")]
    (problem,) = trial.canary.problems()
    assert (problem.code, problem.worker) == ("canary-failed", "mouth")
    assert "worker-failed" in problem.text
    assert problem.hint
    trial.mouth.fault = "none"
    await trial.canary.once()
    assert trial.canary.problems() == ()
    assert len(trial.house.notes) == 2


async def test_a_broken_worker_is_not_restarted_for_ever(trial: Trial) -> None:
    trial.mouth.fault = "error"
    for _ in range(6):
        await trial.canary.once()
    assert trial.house.told.count(("stop", "mouth")) == 1


async def test_a_house_in_use_is_left_alone(trial: Trial) -> None:
    trial.house.change("ears", leases=1, idle_s=None)
    assert not await trial.canary.once()
    assert trial.mouth.asked == []


async def test_a_turn_a_moment_ago_is_too_fresh(trial: Trial) -> None:
    trial.house.change("ears", idle_s=1.0)
    assert not await trial.canary.once()
    assert trial.mouth.asked == []


@pytest.mark.parametrize("state", [SlotState.STOPPED, SlotState.SLEEPING, SlotState.STARTING, SlotState.FAILED])
async def test_nothing_is_started_for_it(state: SlotState, trial: Trial) -> None:
    trial.house.change("mouth", state=state, idle_s=None)
    assert await trial.canary.once()
    assert trial.mouth.asked == []
    assert trial.house.told == []


async def test_a_person_who_speaks_breaks_it_off_and_it_is_no_miss(trial: Trial) -> None:
    trial.mouth.fault = "hang"
    trying = asyncio.create_task(trial.canary.once())
    await trial.mouth.began.wait()
    trial.house.change("ears", leases=1, idle_s=None)
    assert not await trying
    trial.house.change("ears", leases=0, idle_s=999)
    trial.mouth.fault = "error"
    await trial.canary.once()
    assert trial.house.told == []


async def test_a_worker_that_was_unloaded_meanwhile_is_no_miss(trial: Trial) -> None:
    trial.mouth.fault = "drop"
    for _ in range(3):
        trial.house.change("mouth", state=SlotState.READY, idle_s=999)
        trial.mouth.began.clear()
        trying = asyncio.create_task(trial.canary.once())
        await trial.mouth.began.wait()
        trial.house.change("mouth", state=SlotState.STOPPED, idle_s=None)
        assert not await trying
    assert trial.canary.problems() == ()
    assert trial.house.told == []


async def test_a_worker_that_crashed_is_left_to_the_coordinator(trial: Trial) -> None:
    trial.mouth.fault = "drop"
    for crashes in (1, 2):
        trial.house.change("mouth", state=SlotState.READY, idle_s=999)
        trial.mouth.began.clear()
        trying = asyncio.create_task(trial.canary.once())
        await trial.mouth.began.wait()
        trial.house.change("mouth", state=SlotState.FAILED, idle_s=None, crashes=crashes)
        await trying
    assert trial.house.told == []
    assert [problem.worker for problem in trial.canary.problems()] == ["mouth"]


async def test_it_goes_on_after_a_defect(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    tries, pauses = 0, 0
    ended = asyncio.Event()

    async def sleep(_: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses > 2:
            ended.set()
            await asyncio.Event().wait()

    def broken() -> CoordinatorState:
        nonlocal tries
        tries += 1
        raise RuntimeError("a defect")

    trial.house.state = broken  # type: ignore[method-assign]
    settings = trial.canary._settings
    canary = IdleCanary(settings, cast("CoordinatorCommands", trial.house), sleep=sleep)
    running = asyncio.create_task(canary.run())
    await ended.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert tries == 2
