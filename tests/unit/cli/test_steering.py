"""`avatar workers`, `avatar guest`, `avatar vram`: the running appliance from the command line."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from avatar_appliance.admin.app import create_app
from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.admin.server import serve
from avatar_appliance.admin.token import OwnerToken
from avatar_appliance.coordinator.control_errors import CommandRefused
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.state import GuestState
from avatar_appliance.errors import NoMemory
from avatar_appliance.paths import owner_socket
from avatar_appliance.store import DecisionRecord, Store

from ..admin.fake_coordinator import FakeCoordinator
from .conftest import Avatar

TOKEN = "0123456789abcdef-of-the-owner"


@pytest.mark.usefixtures("appliance")
async def test_the_workers_are_listed_with_what_they_hold(avatar: Avatar) -> None:
    ran = await avatar("workers", "list")
    assert ran.code == 0, ran.err
    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    assert "ready" in lines["vllm"]
    assert "8 GiB" in lines["vllm"]
    assert "(~14 GiB)" in lines["cosyvoice"]
    assert "failed" in lines["cosyvoice"]
    for said in ("it ran out of memory", "tried again in 42 s", "pinned", "runs elsewhere"):
        assert said in " ".join(ran.out.split())


@pytest.mark.usefixtures("appliance")
async def test_programs_get_json(avatar: Avatar) -> None:
    workers = json.loads((await avatar("workers", "list", "--json")).out)
    assert [worker["name"] for worker in workers] == ["vllm", "cosyvoice", "piper", "big-llm"]
    assert json.loads((await avatar("vram", "status", "--json")).out)["devices"][0]["device"] == "cuda:0"
    assert json.loads((await avatar("guest", "status", "--json")).out)["mode"] == "auto"


@pytest.mark.usefixtures("appliance")
@pytest.mark.parametrize(
    ("arguments", "command", "goes_through", "said"),
    [
        (
            ("start", "vllm"), ("start", "vllm"), [SlotState.STOPPED, SlotState.STARTING, SlotState.READY],
            "vllm is ready, with 8 GiB",
        ),
        (("start", "vllm", "--beside"), ("preload", "vllm"), [SlotState.READY], "vllm is ready"),
        (("start", "vllm", "--no-wait"), ("start", "vllm"), [], "vllm is ready"),
        (
            ("stop", "vllm"), ("stop", "vllm", False), [SlotState.STOPPING, SlotState.STOPPED], "vllm is stopped",
        ),
        (("stop", "vllm", "--force"), ("stop", "vllm", True), [SlotState.STOPPED], "vllm is stopped"),
        (("sleep", "vllm"), ("sleep", "vllm"), [SlotState.FALLING_ASLEEP, SlotState.SLEEPING], "vllm is sleeping"),
        (("wake", "vllm"), ("wake", "vllm"), [SlotState.READY], "vllm is ready"),
        (("pin", "vllm"), ("pin", "vllm", True), [], "vllm is pinned"),
        (("unpin", "vllm"), ("pin", "vllm", False), [], "vllm is not pinned"),
    ],
)  # fmt: skip
async def test_a_command_is_carried_out_and_waited_for(
    avatar: Avatar,
    coordinator: FakeCoordinator,
    arguments: tuple[str, ...],
    command: tuple[object, ...],
    goes_through: list[SlotState],
    said: str,
) -> None:
    coordinator.becomes = goes_through
    ran = await avatar("workers", *arguments)
    assert ran.code == 0, ran.err
    assert coordinator.commands == [command]
    assert said in ran.out


@pytest.mark.usefixtures("appliance")
async def test_a_start_that_fails_says_why(avatar: Avatar, coordinator: FakeCoordinator) -> None:
    coordinator.becomes = [SlotState.STARTING, SlotState.FAILED]
    ran = await avatar("workers", "start", "cosyvoice", "--beside")
    assert ran.code == os.EX_SOFTWARE
    assert "(worker-failed) cosyvoice: it ran out of memory" in ran.err


@pytest.mark.usefixtures("appliance")
async def test_a_refusal_is_shown_as_the_appliance_meant_it(avatar: Avatar, coordinator: FakeCoordinator) -> None:
    coordinator.refusal = NoMemory("needs 15 GiB on cuda:0, 12 GiB free, in use: vllm")
    denied = await avatar("workers", "start", "cosyvoice")
    assert denied.code == os.EX_TEMPFAIL
    assert "(no-memory) needs 15 GiB on cuda:0, 12 GiB free, in use: vllm" in denied.err
    assert "avatar vram plan" in denied.err
    coordinator.refusal = CommandRefused("piper cannot sleep")
    assert "(command-refused) piper cannot sleep" in (await avatar("workers", "sleep", "piper")).err


@pytest.mark.usefixtures("appliance")
async def test_an_unknown_worker_is_unusable_input(avatar: Avatar) -> None:
    ran = await avatar("workers", "start", "nobody")
    assert (ran.code, "worker-unknown" in ran.err) == (os.EX_DATAERR, True)


@pytest.mark.usefixtures("appliance")
async def test_devices_are_shown_with_who_is_on_them(avatar: Avatar, coordinator: FakeCoordinator) -> None:
    coordinator.guest = GuestState(mode="on", remaining_s=600.0)
    ran = await avatar("vram", "status")
    assert ran.code == 0, ran.err
    shown = " ".join(ran.out.split())
    for said in (
        "NVIDIA GeForce RTX 3090, 41 °C, 3 % busy", "vllm 8 GiB", "others 1 GiB (cs2)", "room 12 GiB of 23.5 GiB",
        "guest mode is on until", "waiting for 0.2 s: tts (cosyvoice, piper)",
    ):  # fmt: skip
        assert said in shown
    assert "pids are hidden" in ran.err


@pytest.mark.usefixtures("appliance")
async def test_decisions_are_shown_oldest_first(avatar: Avatar, store: Store) -> None:
    await store.decisions.add(
        [DecisionRecord(at=1_700_000_000.0 + n, kind="start", text=f"f5 starts [{n}]", worker="f5") for n in range(3)]
    )
    ran = await avatar("vram", "decisions", "-n", "2", "--worker", "f5")
    assert [line.split("  ")[-1].removeprefix("start").strip() for line in ran.out.splitlines()] == [
        "f5 starts [1]", "f5 starts [2]",
    ]  # fmt: skip


@pytest.mark.usefixtures("appliance")
async def test_the_gpu_is_lent_and_taken_back(avatar: Avatar, coordinator: FakeCoordinator) -> None:
    lent = await avatar("guest", "on", "--for", "1h30m")
    assert lent.code == 0, lent.err
    assert "guest mode is on until" in lent.out
    assert "voice keeps off cuda:0: guest mode was switched on" in lent.out
    assert "guest mode is on" in (await avatar("guest", "status")).out
    assert "guest mode is auto" in (await avatar("guest", "auto")).out
    assert "guest mode is off" in (await avatar("guest", "off")).out
    assert coordinator.commands == [
        ("guest_mode", "on", 5400.0), ("guest_mode", "auto", None), ("guest_mode", "off", None),
    ]  # fmt: skip


@pytest.mark.parametrize("span", ["soon", "2", "-1h", "1h2", "h", ""])
async def test_a_span_of_time_needs_its_unit(avatar: Avatar, span: str) -> None:
    ran = await avatar("guest", "on", f"--for={span}")
    assert ran.code == 2
    assert "90s" in ran.err


async def test_without_a_running_appliance_the_message_says_how_to_start_it(avatar: Avatar) -> None:
    for command in (("vram", "status"), ("workers", "list"), ("guest", "on")):
        ran = await avatar(*command)
        assert ran.code == os.EX_UNAVAILABLE
        assert "`avatar up` starts it" in " ".join(ran.err.split())


async def test_the_socket_of_a_killed_appliance_is_no_running_one(avatar: Avatar, runtime_dir: Path) -> None:
    owner_socket(runtime_dir).write_text("")
    assert (await avatar("workers", "list")).code == os.EX_UNAVAILABLE


async def test_a_token_opens_the_door_on_tcp(
    avatar: Avatar, api: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deps: AdminDependencies = api.state.dependencies
    with_token = create_app(replace(deps, token=OwnerToken(tmp_path, SecretStr(TOKEN))))
    async with serve(with_token, "127.0.0.1", 0) as server:
        monkeypatch.setenv("AVATAR_ADMIN__PORT", str(server.port))
        assert (await avatar("workers", "list")).code == os.EX_UNAVAILABLE, "without a token there is only the socket"
        monkeypatch.setenv("AVATAR_ADMIN__TOKEN", TOKEN)
        assert (await avatar("workers", "list")).code == 0
        monkeypatch.setenv("AVATAR_ADMIN__TOKEN", f"{TOKEN}x")
        wrong = await avatar("workers", "list")
        assert (wrong.code, "(unauthorized)" in wrong.err) == (os.EX_SOFTWARE, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root opens every socket")
@pytest.mark.parametrize("closed", ["socket", "folder"])
@pytest.mark.usefixtures("appliance")
async def test_the_appliance_of_another_user_says_whose_it_is(avatar: Avatar, runtime_dir: Path, closed: str) -> None:
    shut = owner_socket(runtime_dir) if closed == "socket" else runtime_dir
    shut.chmod(0)
    try:
        ran = await avatar("workers", "list")
    finally:
        shut.chmod(0o700)
    assert "(unauthorized)" in ran.err
    assert "sudo" in ran.err
