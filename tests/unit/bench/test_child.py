"""Servers that a comparison starts, and how they end."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from avatar_appliance.bench import ServerDidNotStart
from avatar_appliance.bench.child import clean_environment, free_port, running
from avatar_appliance.client import Endpoint, describe

from .programs import failing_program, is_alive, stock_program


async def test_a_child_is_ready_when_its_probe_holds_and_ends_with_the_block(tmp_path: Path) -> None:
    port = free_port()
    program = stock_program(tmp_path, "server")

    async def answers() -> bool:
        return bool((await describe(Endpoint("127.0.0.1", port))).asr)

    async with running("server", [str(program), "--uri", f"tcp://127.0.0.1:{port}"], os.environ, tmp_path) as child:
        await child.wait_ready(answers, 20)
        assert child.process.returncode is None
    assert child.process.returncode == 0


async def test_a_child_that_ends_early_shows_its_last_words(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    program = failing_program(tmp_path, "no such model")
    with pytest.raises(ServerDidNotStart, match=r"(?s)asr ended with code 3:.*no such model") as caught:
        async with running("asr", [str(program)], os.environ, tmp_path) as child:
            await child.wait_ready(never, 20)
    assert caught.value.code == "bench-start-failed"


async def test_a_child_that_is_never_ready_is_given_up_and_ended(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    with pytest.raises(ServerDidNotStart, match=r"not ready within 0\.02 s: it said nothing"):
        async with running("asr", [sys.executable, "-c", "input()"], os.environ, tmp_path) as child:
            await child.wait_ready(never, 0.02)
    assert child.process.returncode is not None


async def test_a_child_that_ignores_sigterm_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatar_appliance.bench.child.STOP_TIMEOUT_S", 0.05)
    ready = tmp_path / "ready"
    code = "trap '' TERM; (trap '' TERM; echo $BASHPID > inner; while :; do read -r <> <(:); done) & touch ready; wait"

    async def is_ready() -> bool:
        inner = tmp_path / "inner"
        return ready.exists() and inner.exists() and inner.read_text().endswith("\n")  # there is a moment before

    async with running("stubborn", ["bash", "-c", code], os.environ, tmp_path) as child:
        await child.wait_ready(is_ready, 20)
        inner = int((tmp_path / "inner").read_text())
    assert child.process.returncode == -9
    async with asyncio.timeout(20):
        while is_alive(inner):  # whoever inherits it has to notice its end, too
            await asyncio.sleep(0.01)


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerDidNotStart, match="wyoming-piper cannot be run: No such file"):
        async with running("wyoming-piper", [str(tmp_path / "nothing")], os.environ, tmp_path):
            pass


def test_children_see_none_of_our_settings_and_never_download(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AVATAR_ASR__PORT", "WYO_WHISPER_MODEL", "WYOMING_PIPER_ARGS", "NOTIFY_SOCKET", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    environment = clean_environment()
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert environment["OMP_NUM_THREADS"] == "1"
    kept = {"AVATAR_ASR__PORT", "WYO_WHISPER_MODEL", "WYOMING_PIPER_ARGS", "NOTIFY_SOCKET"} & environment.keys()
    assert kept == set()
