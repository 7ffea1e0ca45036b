"""`avatar canary` as a script sees it: its exit code, and how long it goes on trying."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from pathlib import Path

import pytest

from avatar_appliance.canary import CanaryFailed, CanaryPhrase, CanaryTurn
from avatar_appliance.cli import canary
from avatar_appliance.cli.app import main
from avatar_appliance.client import ServerError
from avatar_appliance.config import Settings, load_settings
from avatar_appliance.errors import AvatarError, ConfigError, WorkerUnavailable

PHRASE = CanaryPhrase("en", "What is the capital of France?")
SUNG = CanaryTurn(0, 0.1, 0.1, None)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose ports nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = tmp_path / "config.yaml"
    file.write_text(f"host: 127.0.0.1\ntts: {{port: {port}}}\n")
    return file


@pytest.fixture
def settings(config: Path) -> Settings:
    return load_settings(config)


def turns(monkeypatch: pytest.MonkeyPatch, *outcomes: AvatarError | CanaryTurn) -> list[AvatarError | CanaryTurn]:
    """Have the next turns end like this; return those that are left."""
    left = list(outcomes)

    async def turn(*_: object, **__: object) -> CanaryTurn:
        outcome = left.pop(0)
        if isinstance(outcome, AvatarError):
            raise outcome
        return outcome

    monkeypatch.setattr(canary, "spoken_turn", turn)
    monkeypatch.setattr(canary, "_RETRY_S", 0)
    return left


async def sung(settings: Settings, wait_s: float = 60) -> CanaryTurn:
    async with asyncio.timeout(30):
        return await canary._until_it_sings(settings, PHRASE, answer=True, deadline_s=time.monotonic() + wait_s)


def test_where_nobody_answers_the_exit_code_says_so(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["avatar", "canary", "--config", str(config)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 69


@pytest.mark.parametrize("error", [WorkerUnavailable("not yet"), ServerError("loading", "worker-loading")], ids=str)
async def test_it_goes_on_trying_while_the_appliance_starts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: AvatarError
) -> None:
    turns(monkeypatch, error, error, SUNG)
    assert await sung(settings) is SUNG


async def test_it_does_not_try_for_ever(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    turns(monkeypatch, *[WorkerUnavailable("not yet")] * 2)
    with pytest.raises(WorkerUnavailable):
        await sung(settings, wait_s=-1)


@pytest.mark.parametrize("error", [CanaryFailed("deaf"), ConfigError("wrong")], ids=str)
async def test_what_waiting_cannot_mend_is_final(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: AvatarError
) -> None:
    left = turns(monkeypatch, error, SUNG)
    with pytest.raises(type(error)):
        await sung(settings)
    assert left == [SUNG]
