"""Sleeping and waking through vLLM's endpoints, as they were seen to answer."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from avatar_appliance.coordinator.launcher import LaunchFailed, Running
from avatar_appliance.coordinator.launching import ProbeRefused, SleepRefused
from avatar_appliance.coordinator.launching.vllm_sleeper import VllmSleeper

from .conftest import READY, ScriptedProbe

if TYPE_CHECKING:
    from .conftest import House, HttpServer

SLEEP = "POST /sleep?level=1&mode=wait"
WAKE = "POST /wake_up"
ASLEEP = "GET /is_sleeping"
NO_ROOM = (500, {"error": {"message": "CUDA Error: out of memory at cumem.cpp:62"}})


class Vllm:
    """Sleeps and wakes when it is told to."""

    def __init__(self, http: HttpServer) -> None:
        self.asleep = False
        self.http = http
        http.answers = {SLEEP: lambda: self._become(True), WAKE: lambda: self._become(False), ASLEEP: self._tell}

    def _become(self, asleep: bool) -> tuple[int, object]:
        self.asleep = asleep
        return 200, b""

    def _tell(self) -> tuple[int, object]:
        return 200, {"is_sleeping": self.asleep}


async def up(house: House, http: HttpServer, *answers: Exception) -> tuple[Vllm, ScriptedProbe]:
    probe = house.script(READY, sleeper=VllmSleeper(http.socket))
    vllm = Vllm(http)
    await house.start()
    probe.answers = list(answers)
    return vllm, probe


async def test_it_sleeps_without_ending_and_wakes_with_a_real_probe(house: House, http: HttpServer) -> None:
    vllm, probe = await up(house, http)
    [pid] = house.launcher.pids("w")
    await house.launcher.sleep("w")
    assert vllm.asleep
    assert await house.launcher.running() == [Running("w", "cuda:0", asleep=True)]
    await house.launcher.wake("w")
    assert not vllm.asleep
    assert probe.asked == 2
    assert house.launcher.pids("w") == [pid]
    assert house.launcher.progress("w") == ""
    assert await house.launcher.running() == [Running("w", "cuda:0", asleep=False)]


async def test_waking_without_room_can_be_tried_again(house: House, http: HttpServer) -> None:
    vllm, _ = await up(house, http)
    await house.launcher.sleep("w")
    well, http.answers[WAKE] = http.answers[WAKE], NO_ROOM
    with pytest.raises(LaunchFailed) as failed:
        await house.launcher.wake("w")
    assert failed.value.failure == "out-of-memory"
    assert vllm.asleep
    http.answers[WAKE] = well
    await house.launcher.wake("w")


async def test_weights_that_were_dropped_are_loaded_anew_before_the_cache_takes_its_room(http: HttpServer) -> None:
    steps = ["POST /wake_up?tags=weights", "POST /collective_rpc", "POST /wake_up?tags=kv_cache"]
    http.answers = dict.fromkeys(["POST /sleep?level=2&mode=wait", *steps], (200, b""))
    sleeper = VllmSleeper(http.socket, level=2)
    await sleeper.sleep()
    await sleeper.wake()
    assert http.requests[1:] == steps
    assert http.bodies == [{"method": "reload_weights"}]
    http.answers[steps[1]] = (500, {"error": "no such file"})
    with pytest.raises(SleepRefused, match="no such file"):
        await sleeper.wake()


async def test_a_worker_that_will_not_sleep_is_up_as_before(house: House, http: HttpServer) -> None:
    await up(house, http)
    http.answers[SLEEP] = (500, {"error": "busy"})
    with pytest.raises(LaunchFailed) as failed:
        await house.launcher.sleep("w")
    assert (failed.value.failure, failed.value.text) == ("unavailable", "HTTP 500: busy")
    assert await house.launcher.running() == [Running("w", "cuda:0", asleep=False)]


async def test_what_was_done_although_the_answer_got_lost_is_done(house: House, http: HttpServer) -> None:
    vllm, _ = await up(house, http)

    def hang_up() -> tuple[int, object]:
        vllm.asleep = True
        return 0, b""

    http.answers[SLEEP] = hang_up
    await house.launcher.sleep("w")
    assert vllm.asleep


async def test_a_worker_that_ends_while_it_falls_asleep_is_told_twice(house: House, http: HttpServer) -> None:
    await up(house, http)
    asked = asyncio.Event()
    sleeper: Any = house.workers["w"].sleeper

    class Endless:
        async def sleep(self) -> None:
            asked.set()
            await asyncio.Event().wait()

        wake, is_sleeping = sleeper.wake, sleeper.is_sleeping

    house.script(READY, sleeper=Endless())
    sleeping = asyncio.create_task(house.launcher.sleep("w"))
    await asked.wait()
    assert house.launcher.progress("w") == "falling asleep"
    os.kill(house.launcher.pids("w")[0], signal.SIGKILL)
    with pytest.raises(LaunchFailed) as failed:
        await sleeping
    assert failed.value.failure == "crashed"
    assert (await house.exit())[0] == "w"


async def test_an_endless_sleep_is_given_up(house: House, http: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avatar_appliance.coordinator.launching.nap.NAP_TIMEOUT_S", 0.05)
    await up(house, http)
    sleeper: Any = house.workers["w"].sleeper

    class Endless:
        async def sleep(self) -> None:
            await asyncio.Event().wait()

        wake, is_sleeping = sleeper.wake, sleeper.is_sleeping

    house.script(READY, sleeper=Endless())
    with pytest.raises(LaunchFailed) as failed:
        await house.launcher.sleep("w")
    assert failed.value.failure == "timeout"


async def test_a_worker_that_wakes_and_does_not_work_is_broken(house: House, http: HttpServer) -> None:
    await up(house, http, *[ProbeRefused("no")] * 3)
    await house.launcher.sleep("w")
    with pytest.raises(LaunchFailed) as failed:
        await house.launcher.wake("w")
    assert failed.value.failure == "crashed"


async def test_a_worker_without_sleep_mode_cannot_sleep(house: House) -> None:
    house.script(READY)
    await house.start()
    for order in (house.launcher.sleep, house.launcher.wake):
        with pytest.raises(LaunchFailed, match="cannot sleep"):
            await order("w")


async def test_a_found_worker_that_does_not_say_whether_it_sleeps_is_taken_for_awake(
    house: House, http: HttpServer
) -> None:
    await up(house, http)
    for answer in ((404, {"detail": "Not Found"}), (200, b"x"), (0, b"")):
        http.answers[ASLEEP] = answer
        with pytest.raises(SleepRefused):
            await VllmSleeper(http.socket).is_sleeping()
        assert await house.launcher.running() == [Running("w", "cuda:0", asleep=False)]
