"""`avatar vram plan`: on paper, without a running appliance."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.config import load_settings
from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.coordinator.measurement import Measurement, worker_fingerprint
from avatar_appliance.models import load_catalogue
from avatar_appliance.store import Store

from .conftest import Avatar

GIB = 2**30
CONFIG = """
asr: {workers: [whisper]}
tts: {workers: [f5, piper]}
conversation: {workers: [vllm]}
workers:
  whisper: {engine: faster-whisper, model: whisper-large-v3-turbo, device: cuda}
  f5:
    engine: f5-tts
    weights: random
    voices: [{name: anna, language: en, reference_audio: a.wav, reference_text: hello}]
  piper: {engine: piper}
  vllm: {engine: vllm, model: qwen}
  spare: {engine: llama-cpp}
"""


@pytest.fixture(autouse=True)
def config(avatar: Avatar) -> Path:
    file = Path("config.yaml")
    file.write_text(CONFIG, encoding="utf-8")
    return file


async def planned(avatar: Avatar, *arguments: str) -> dict[str, dict[str, Any]]:
    ran = await avatar("vram", "plan", *arguments, "--json")
    assert ran.code in (0, 1), ran.err
    return {worker["name"]: worker for worker in json.loads(ran.out)["workers"]}


async def test_a_3090_holds_it_all(avatar: Avatar) -> None:
    ran = await avatar("vram", "plan", "--gpu", "24GiB")
    assert ran.code == 0, ran.err
    for line in ran.out.splitlines():
        assert len(line) <= 80 or line.startswith(("cuda", "cpu")), line
    lines = {line.split()[0]: line for line in ran.out.splitlines() if line.strip()}
    assert all("from the start" in lines[name] for name in ("whisper", "f5", "piper", "vllm"))
    assert "~2.5 GiB" in lines["whisper"]
    assert "a GPU of 24 GiB" in lines["cuda:0"]
    assert "~ estimated" in ran.err


async def test_what_does_not_fit_says_why_and_the_exit_code_too(avatar: Avatar) -> None:
    ran = await avatar("vram", "plan", "--gpu", "12GiB")
    assert ran.code == 1
    assert "vllm: needs 11.1 GiB, all of cuda:0 is 10.5 GiB" in ran.out


async def test_some_workers_are_planned_together_also_such_as_no_ladder_uses(avatar: Avatar) -> None:
    workers = await planned(avatar, "f5", "spare", "--gpu", "4GiB")
    assert {name: worker["fit"] for name, worker in workers.items()} == {"f5": "resident", "spare": "resident"}


async def test_several_gpus_can_be_imagined(avatar: Avatar) -> None:
    workers = await planned(avatar, "--gpu", "12GiB", "--gpu", "16GiB")
    assert workers["vllm"]["device"] == "cuda:1"


async def test_measured_sizes_are_taken_from_the_store(avatar: Avatar, store: Store, config: Path) -> None:
    whisper = load_settings(config).workers["whisper"]
    assert isinstance(whisper, LocalWorker)
    await store.measurements.add(
        Measurement(
            worker="whisper",
            device="cuda:0",
            fingerprint=worker_fingerprint(whisper, load_catalogue()),
            rest_bytes=3 * GIB,
            peak_bytes=4 * GIB,
            start_s=9.0,
        )
    )
    workers = await planned(avatar, "--gpu", "24GiB")
    assert (workers["whisper"]["measured"], workers["whisper"]["rest_bytes"]) == (True, 3 * GIB)
    assert workers["f5"]["measured"] is False


async def test_the_machine_as_it_is_needs_no_running_appliance(avatar: Avatar) -> None:
    workers = await planned(avatar, "piper")
    assert (workers["piper"]["fit"], workers["piper"]["device"]) == ("resident", "cpu")


@pytest.mark.usefixtures("appliance")
async def test_beside_a_running_appliance_only_others_are_others(avatar: Avatar) -> None:
    ran = await avatar("vram", "plan", "piper")
    assert ran.code == 0, ran.err
    assert "others hold 7 GiB" in ran.out, "as the running appliance says, which counts its own workers apart"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nobody",), os.EX_DATAERR, "worker-unknown"),
        (("--gpu", "24G"), 2, "GiB or GB"),
        (("--gpu", "0"), 2, "some memory"),
    ],
)
async def test_a_plan_of_nothing_is_refused(avatar: Avatar, arguments: tuple[str, ...], code: int, said: str) -> None:
    ran = await avatar("vram", "plan", *arguments)
    assert ran.code == code
    assert said in ran.err
