"""Seeing workers end, also those whose end was missed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from avatar_appliance.coordinator.launcher import LaunchFailed
from avatar_appliance.coordinator.launching.exit_watch import ExitWatch
from avatar_appliance.processes import ChangeStream, ProcessState, ProcessStatus, StatusChanges


class Manager:
    """Says of worker `w` whatever it is told to say."""

    def __init__(self) -> None:
        self._changes = StatusChanges()
        self._status = ProcessStatus("w", ProcessState.READY, since=1.0, pid=17)

    def statuses(self) -> dict[str, ProcessStatus]:
        return {"w": self._status}

    def changes(self) -> ChangeStream:
        return self._changes.stream()

    def say(self, **changes: Any) -> None:
        self._status = replace(self._status, **changes)
        self._changes.publish(self._status)


async def told(manager: Manager, *changes: dict[str, Any]) -> list[tuple[str, str]]:
    """What is told of the end of `w` when these changes come, one by one."""
    ends: list[tuple[str, str]] = []
    async with ExitWatch(manager) as watch:  # type: ignore[arg-type]
        watch.on_exit(lambda worker, why: ends.append((worker, why)))
        watch.expect_up("w")
        for change in changes:
            manager.say(**change)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    return ends


async def test_another_process_of_that_name_is_another_life() -> None:
    assert await told(Manager(), {"pid": 18}) == [("w", "was started anew by somebody else")]


async def test_news_of_a_worker_that_is_well_is_no_end() -> None:
    assert await told(Manager(), {"status_text": "2 voices"}, {"since": 2.0}) == []


async def test_a_worker_that_is_about_to_end_has_not_ended_yet() -> None:
    stopping, stopped = {"state": ProcessState.STOPPING}, {"state": ProcessState.STOPPED, "pid": None}
    assert await told(Manager(), stopping) == []
    assert await told(Manager(), stopping, stopped, stopped) == [("w", "ended")]


async def test_a_worker_that_has_just_ended_cannot_be_watched() -> None:
    manager = Manager()
    manager.say(state=ProcessState.FAILED, last_error="killed by SIGKILL")
    async with ExitWatch(manager) as watch:  # type: ignore[arg-type]
        with pytest.raises(LaunchFailed, match="killed by SIGKILL"):
            watch.expect_up("w")
