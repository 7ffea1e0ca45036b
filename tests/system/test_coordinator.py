"""The coordinator with real processes on a simulated card: they allocate, hang, grow, refuse to die, leave residue.

Their memory is RAM (`allocate`), which the simulated card counts as its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from wyoming.audio import AudioChunk, AudioStop
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.client import ServerError, converse, describe, synthesize

from .appliance import Appliance, until

pytestmark = pytest.mark.system

MIB = 2**20
CARD = "2GiB"


def fake(role: str, memory: str, **more: Any) -> dict[str, Any]:
    return {"engine": "fake", "fake_role": role, "memory": memory, "device": "cuda", "allocate": True, **more}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., Appliance]]:
    """Starts an appliance with the given TTS workers (and the least of everything else) on a card of 2 GiB."""
    with contextlib.ExitStack() as stack:

        def start(workers: dict[str, dict[str, Any]], **more: Any) -> Appliance:
            appliance = Appliance(
                tmp_path,
                overrides={
                    "workers": {
                        **workers,
                        "ears": {"engine": "fake", "fake_role": "asr"},
                        "mind": {"engine": "fake", "fake_role": "llm"},
                    },
                    "asr": {"workers": ["ears"]},
                    "tts": {"workers": list(workers)},
                    "conversation": {"workers": ["mind"]},
                    "coordinator": {"headroom": "32MiB", "min_residency_s": 0, "after_shed_s": 1, **more},
                },
                arguments=("--no-fetch", "--simulate-gpu", CARD),
            )
            stack.callback(appliance.kill)
            stack.callback(lambda: print(appliance.log.read_text("utf-8")))
            appliance.start()
            told = 2 * sum(worker["preload"] for worker in appliance.workers().values() if worker["role"] == "tts")
            until("every voice that is up is in the list", lambda: len(voices(appliance)) >= told, 20)
            return appliance

        yield start


def voices(appliance: Appliance) -> list[str]:
    with ThreadPoolExecutor() as thread:  # tests have an event loop of their own
        info = thread.submit(asyncio.run, describe(appliance.endpoint("tts"))).result()
    return [voice.name for voice in info.tts[0].voices]


def state(appliance: Appliance, worker: str) -> str:
    return str(appliance.workers()[worker]["state"])


def wait_for(appliance: Appliance, worker: str, *states: str, timeout_s: float = 30) -> None:
    until(f"{worker} is {' or '.join(states)}", lambda: state(appliance, worker) in states, timeout_s)


@contextlib.contextmanager
def hog(appliance: Appliance, size_bytes: int) -> Iterator[None]:
    """Somebody else's process on the card."""
    folder = appliance.folder / "run" / "simulated-gpu"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        (folder / str(process.pid)).write_text(json.dumps({"bytes": size_bytes}))
        try:
            yield
        finally:
            process.kill()


async def test_the_charge_is_what_the_process_really_holds(house: Callable[..., Appliance]) -> None:
    appliance = house({"voice": fake("tts", "300MiB")})
    memory = appliance.workers()["voice"]["memory"]
    assert memory["measured"]
    assert 200 * MIB <= memory["charged_bytes"] <= 400 * MIB
    assert abs(appliance.device("cuda:0")["used_bytes"] - memory["charged_bytes"]) < 16 * MIB


async def test_a_worker_killed_in_mid_lease_comes_back_and_the_sentence_is_said(
    house: Callable[..., Appliance],
) -> None:
    appliance = house({"voice": fake("tts", "100MiB", chunk_interval_s=0.05)})
    pid = appliance.processes()["voice"]["pid"]
    async with appliance.endpoint("tts").connect() as connection:
        await connection.send(Synthesize(text="one two three four five", voice=SynthesizeVoice(name="fake-en")))
        while not AudioChunk.is_type((await connection.receive(20)).type):
            pass
        os.kill(pid, signal.SIGKILL)
        while not AudioStop.is_type((await connection.receive(30)).type):
            pass
    wait_for(appliance, "voice", "ready")
    assert appliance.processes()["voice"]["pid"] != pid
    assert "crashed" in appliance.decisions("voice")
    assert appliance.workers()["voice"]["leases"] == 0


async def test_a_start_that_hangs_is_ended_and_the_ladder_goes_on_below(house: Callable[..., Appliance]) -> None:
    appliance = house(
        {
            "stuck": fake("tts", "100MiB", hang_at_start=True, start_timeout_s=1.5, preload=False),
            "voice": {"engine": "fake", "fake_role": "tts", "preload": True},
        }
    )
    appliance.get("/api/workers/stuck/start", method="POST")
    until("its start is given up", lambda: "crashed" in appliance.decisions("stuck"), 30)
    spoken = await synthesize(appliance.endpoint("tts"), "hello", language="en")
    assert spoken.audio.duration_s > 0
    until("its memory is back", lambda: appliance.device("cuda:0")["used_bytes"] < 16 * MIB, 30)


async def test_a_worker_that_grows_beyond_its_estimate_is_seen_and_others_make_room(
    house: Callable[..., Appliance],
) -> None:
    appliance = house(
        {
            "grower": fake("tts", "400MiB", grow_to="1300MiB", grow_after_s=2, preload=True, priority=90),
            "modest": fake("tts", "700MiB", preload=True, priority=10),
        }
    )
    until("it was a surprise", lambda: "surprise" in appliance.decisions("grower"), 30)
    until("the other one made room", lambda: "shed" in appliance.decisions("modest"), 30)
    wait_for(appliance, "modest", "stopped")
    card = appliance.device("cuda:0")
    assert card["charged_bytes"] <= card["budget_bytes"]
    assert state(appliance, "grower") == "ready"


async def test_a_worker_that_refuses_to_die_is_killed_and_its_memory_is_given_on(
    house: Callable[..., Appliance],
) -> None:
    appliance = house(
        {
            "deaf": fake("tts", "1200MiB", ignore_sigterm=True, preload=True, priority=10),
            "next": fake("tts", "1200MiB", preload=False, priority=90),
        }
    )
    appliance.get("/api/workers/next/start", method="POST")
    wait_for(appliance, "next", "ready", timeout_s=60)
    assert state(appliance, "deaf") == "stopped"
    assert appliance.device("cuda:0")["used_bytes"] < 1500 * MIB


async def test_what_a_worker_leaves_behind_is_ended_too(house: Callable[..., Appliance]) -> None:
    appliance = house({"parent": fake("tts", "200MiB", leave_child="300MiB")})
    os.kill(appliance.processes()["parent"]["pid"], signal.SIGKILL)
    until("it crashed", lambda: "crashed" in appliance.decisions("parent"), 30)
    wait_for(appliance, "parent", "ready")
    held = appliance.workers()["parent"]["memory"]["charged_bytes"]
    assert abs(appliance.device("cuda:0")["used_bytes"] - held) < 32 * MIB, "one life on the card, not two"


async def test_a_crash_loop_rests_and_says_so(house: Callable[..., Appliance]) -> None:
    appliance = house({"broken": fake("tts", "100MiB", oom_at_start=True, preload=False)})
    appliance.get("/api/workers/broken/start", method="POST")
    wait_for(appliance, "broken", "failed")
    worker = appliance.workers()["broken"]
    assert "memory" in worker["last_error"]
    assert worker["retry_in_s"] > 30
    with pytest.raises(ServerError) as caught:
        await synthesize(appliance.endpoint("tts"), "hello", language="en")
    assert caught.value.server_code in ("worker-failed", "worker-unavailable")


async def test_a_hog_in_mid_turn_ends_no_turn_and_voice_comes_back(house: Callable[..., Appliance]) -> None:
    appliance = house(
        {
            "voice": fake("tts", "1200MiB", chunk_interval_s=0.2, preload=True),
            "small": {"engine": "fake", "fake_role": "tts", "preload": True},
        },
        guest_mode={"share": 1.0},
    )
    text = " ".join(f"This is sentence number {index}." for index in range(12))
    speaking = asyncio.create_task(synthesize(appliance.endpoint("tts"), text, voice="fake-en"))
    in_use = lambda: appliance.workers()["voice"]["leases"]  # noqa: E731
    await asyncio.to_thread(until, "it speaks", in_use, 20)
    with hog(appliance, 1000 * MIB):
        card = lambda: appliance.device("cuda:0")  # noqa: E731
        await asyncio.to_thread(until, "it is seen", lambda: card()["room_bytes"] < 0, 20)
        assert not speaking.done()
        assert state(appliance, "voice") == "ready", "somebody is listening to it"
        spoken = await speaking
        assert spoken.audio.duration_s > 0
        await asyncio.to_thread(wait_for, appliance, "voice", "stopped")
        spoken = await synthesize(appliance.endpoint("tts"), "hello", language="en")
        assert spoken.audio.duration_s > 0
    wait_for(appliance, "voice", "ready")


async def test_guest_mode_moves_voice_to_the_cpu_and_back(house: Callable[..., Appliance]) -> None:
    appliance = house(
        {
            "voice": fake("tts", "500MiB", preload=True),
            "small": {"engine": "fake", "fake_role": "tts", "preload": True},
        },
        guest_mode={"share": 0.5, "linger_s": 1},
    )
    with hog(appliance, 1100 * MIB):
        wait_for(appliance, "voice", "stopped")
        assert appliance.device("cuda:0")["guest"]
        await synthesize(appliance.endpoint("tts"), "hello", language="en")
        turn = until(
            "the turn has ended", lambda: [t for t in appliance.get("/api/turns")["items"] if t["ended_at"]], 20
        )[0]
        assert "small" in turn["degraded"]
        assert "guest" in turn["degraded"]
    wait_for(appliance, "voice", "ready")


async def test_nothing_fits_is_an_honest_sentence_within_seconds(house: Callable[..., Appliance]) -> None:
    appliance = house({"voice": fake("tts", "100MiB")})
    with hog(appliance, 1900 * MIB):
        until("guest", lambda: appliance.device("cuda:0")["guest"], 20)
        wait_for(appliance, "voice", "stopped")
        began = asyncio.get_running_loop().time()
        with pytest.raises(ServerError) as caught:
            await synthesize(appliance.endpoint("tts"), "hello", language="en")
        assert asyncio.get_running_loop().time() - began < 3
        assert caught.value.server_code == "guest-mode"
    answer = await converse(appliance.endpoint("conversation"), "hello", language="en")
    assert answer.handled
