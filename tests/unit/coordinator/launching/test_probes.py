"""Probes against the fake workers that ship in the product, as real processes."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from avatar_appliance.config.workers import socket_path
from avatar_appliance.coordinator.launcher import LaunchFailed
from avatar_appliance.coordinator.launching import NotYet, ProbeRefused, WorkerProbe
from avatar_appliance.coordinator.launching.chat_probe import ChatProbe
from avatar_appliance.coordinator.launching.speech_probes import AsrProbe, TtsProbe
from avatar_appliance.coordinator.worker_spec import WorkerRole

from .conftest import DEADLINE_S

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import House


@pytest.mark.parametrize("role", ["asr", "tts", "llm", "speaker"])
async def test_a_worker_that_does_its_work_is_up(house: House, role: WorkerRole) -> None:
    house.fake(role)
    await house.start()
    if role == "tts":
        with pytest.raises(ProbeRefused, match="offers no speech-to-text"):
            await AsrProbe(socket_path(house.runtime_dir, "w")).check()
    os.kill(house.launcher.pids("w")[0], signal.SIGKILL)
    assert (await house.exit())[0] == "w"


@pytest.mark.parametrize(
    ("role", "fault", "text"),
    [
        ("asr", "error", "its first request failed"),
        ("tts", "garbage", "it hung up in the middle of its first request"),
        ("llm", "exit", "exit code 70"),
    ],
)
async def test_a_worker_that_listens_and_does_not_work_is_not_up(
    house: House, role: WorkerRole, fault: str, text: str
) -> None:
    house.fake(role, fault=fault)
    with pytest.raises(LaunchFailed) as failed:
        await house.start()
    assert failed.value.failure == "crashed"
    assert text in failed.value.text
    assert house.launcher.pids("w") == ()


async def test_a_first_request_that_never_ends_is_waited_for(house: House) -> None:
    """For as long as the start may take: the first request of a large model may take half a minute."""
    house.fake("tts", fault="hang")
    await house.children.start(house.workers["w"].spec)
    await house.children.wait_ready(["w"], DEADLINE_S)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(house.workers["w"].probe.check(), 0.2)


async def test_memory_that_runs_out_while_loading_is_told_as_such(house: House) -> None:
    house.fake("tts", oom_at_start=True)
    with pytest.raises(LaunchFailed) as failed:
        await house.start()
    assert failed.value.failure == "out-of-memory"


@pytest.mark.parametrize("kind", [AsrProbe, TtsProbe, ChatProbe])
@pytest.mark.parametrize("left", [True, False])
async def test_where_nobody_listens_nothing_is_refused(
    runtime_dir: Path, kind: type[AsrProbe | TtsProbe | ChatProbe], left: bool
) -> None:
    socket = runtime_dir / "s"
    if left:  # the socket of a worker that was killed
        socket.touch()
    probe: WorkerProbe = kind(socket)
    with pytest.raises(NotYet):
        await probe.check()
