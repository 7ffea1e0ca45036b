"""The watchdog is fed by health, and starves without it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from avatar_appliance.watchdog import feed_watchdog, watchdog_interval_s

WATCHDOG_S = 0.2


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What systemd listens on."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        server.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG_S * 1e6)))
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        yield server


@contextlib.asynccontextmanager
async def fed(alive: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    task = asyncio.create_task(feed_watchdog(alive))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def heard(systemd: socket.socket, within_s: float = 10) -> bytes:
    async with asyncio.timeout(within_s):
        return await asyncio.get_running_loop().sock_recv(systemd, 100)


async def well() -> None:
    """Nothing is wrong."""


async def test_it_is_fed_again_and_again(systemd: socket.socket) -> None:
    async with fed(well):
        assert [await heard(systemd), await heard(systemd)] == [b"WATCHDOG=1"] * 2


async def test_it_is_fed_in_half_of_the_time_it_has(systemd: socket.socket) -> None:
    assert watchdog_interval_s() == pytest.approx(WATCHDOG_S / 2)


async def sick() -> None:
    raise OSError("no descriptor left")


async def hanging() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("alive", [sick, hanging])
async def test_without_health_it_starves(systemd: socket.socket, alive: Callable[[], Awaitable[object]]) -> None:
    async with fed(alive):
        with pytest.raises(TimeoutError):
            await heard(systemd, within_s=3 * WATCHDOG_S)


async def test_it_is_fed_again_when_health_comes_back(systemd: socket.socket) -> None:
    states = iter([sick, hanging, well])

    async def alive() -> None:
        await next(states, well)()

    async with fed(alive):
        assert await heard(systemd) == b"WATCHDOG=1"


async def test_what_was_wrong_is_logged_without_its_text(
    systemd: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    asked = asyncio.Event()

    async def alive() -> None:
        asked.set()
        raise OSError("what somebody said")

    with caplog.at_level("INFO"):
        async with fed(alive):
            await asked.wait()
    assert "the watchdog is not fed: OSError" in caplog.text
    assert "somebody" not in caplog.text


@pytest.mark.parametrize(
    "variables",
    [{"WATCHDOG_USEC": ""}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_PID": str(os.getpid() + 1)}],
    ids=str,
)
async def test_where_nobody_watches_there_is_nothing_to_do(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    async with asyncio.timeout(10):
        await feed_watchdog(sick)
