"""Waiting for several processes: all ready, or why not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.errors import ShuttingDown
from avatar_appliance.processes import (
    ChangeStream,
    ProcessFailed,
    ProcessManager,
    ProcessNotReady,
    ProcessSpec,
    ProcessState,
    ProcessStatus,
    ProcessUnknown,
    StatusChanges,
    wait_ready,
)

if TYPE_CHECKING:
    from .conftest import Nursery

READY = "say('READY=1'); wait()"


async def test_it_returns_when_the_last_one_is_ready(nursery: Nursery) -> None:
    for name in ("asr", "tts"):
        await nursery.start(READY, name)
    await nursery.children.wait_ready(["asr", "tts"], 20)
    assert [status.state for status in nursery.children.statuses().values()] == [ProcessState.READY] * 2
    await nursery.children.wait_ready([], 20)


async def test_it_ends_as_soon_as_one_has_failed(nursery: Nursery) -> None:
    await nursery.start("wait()", "tts")
    await nursery.start("sys.exit(78)")
    with pytest.raises(ProcessFailed, match="asr failed: its configuration cannot be used"):
        await nursery.children.wait_ready(["tts", "asr"], 20)


async def test_it_ends_when_somebody_stops_the_process(nursery: Nursery) -> None:
    await nursery.start("say('STATUS=loading'); wait()")
    waiting = asyncio.create_task(nursery.children.wait_ready(["asr"], 20))
    await nursery.sees(lambda status: status.status_text == "loading")
    await nursery.children.stop("asr")
    with pytest.raises(ProcessFailed, match="asr is stopped"):
        await waiting


async def test_the_deadline_names_who_is_late_and_what_it_does(nursery: Nursery) -> None:
    await nursery.started(READY, "tts")
    await nursery.start("say('STATUS=loading'); wait()")
    await nursery.sees(lambda status: status.status_text == "loading")
    with pytest.raises(ProcessNotReady, match=r"^not ready within 0\.01 s: asr \(loading\)$"):
        await nursery.children.wait_ready(["asr", "tts"], 0.01)


async def test_a_process_never_started_is_unknown(nursery: Nursery) -> None:
    with pytest.raises(ProcessUnknown, match="'asr'"):
        await nursery.children.wait_ready(["asr"], 20)


class Units:
    """Another process manager, as systemd's will be."""

    def __init__(self) -> None:
        self._changes = StatusChanges()
        self._statuses: dict[str, ProcessStatus] = {}

    async def start(self, spec: ProcessSpec) -> None:
        self.set(spec.name, ProcessState.STARTING)

    async def stop(self, name: str) -> None:
        self.set(name, ProcessState.STOPPED)

    async def kill(self, name: str) -> None:
        self.set(name, ProcessState.STOPPED)

    async def restart(self, name: str) -> None:
        self.set(name, ProcessState.STARTING)

    def pids(self, name: str) -> tuple[int, ...]:
        return ()

    def statuses(self) -> dict[str, ProcessStatus]:
        return self._statuses

    def changes(self) -> ChangeStream:
        return self._changes.stream()

    def set(self, name: str, state: ProcessState) -> None:
        self._statuses[name] = ProcessStatus(name, state, since=0.0)
        self._changes.publish(self._statuses[name])

    def close(self) -> None:
        self._changes.close()


async def test_any_process_manager_can_be_waited_for() -> None:
    units = Units()
    manager: ProcessManager = units
    await manager.start(ProcessSpec("asr", ("true",), "worker", start_timeout_s=1))
    waiting = asyncio.create_task(wait_ready(manager, ["asr"], 20))
    await asyncio.sleep(0)
    assert not waiting.done()
    units.set("asr", ProcessState.READY)
    await waiting


async def test_the_end_of_the_manager_ends_the_wait() -> None:
    units = Units()
    units.set("asr", ProcessState.STARTING)
    waiting = asyncio.create_task(wait_ready(units, ["asr"], 20))
    await asyncio.sleep(0)
    units.close()
    with pytest.raises(ShuttingDown):
        await waiting
