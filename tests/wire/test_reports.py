"""Delivering reports to the control plane, and what happens while it is away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from wire_harness.waiting import until
from wyoming.event import Event

from avatar_appliance.turns.report import StageReport, StageStarted
from avatar_appliance.wire import FrameLimits, read_event
from wyoming_servers import report as report_module
from wyoming_servers.report import MAX_WAITING_REPORTS, Reporter

LIMITS = FrameLimits(payload_bytes=64 * 2**20)


class ControlPlane:
    """Listens on the control socket and keeps what comes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "control.sock"
        self.events: list[Event] = []
        self.connections: list[asyncio.StreamWriter] = []
        self.hang_up_after: int | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, self._path, limit=LIMITS.header_bytes)

    def kill(self) -> None:
        """End as SIGKILL would."""
        assert self._server is not None
        self._server.close()
        for writer in self.connections:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        with contextlib.suppress(OSError):
            while (event := await read_event(reader, LIMITS)) is not None:
                self.events.append(event)
                if self.hang_up_after is not None and len(self.events) >= self.hang_up_after:
                    break
        writer.transport.abort()

    @property
    def numbers(self) -> list[float]:
        """The `started_at` of what came."""
        return [event.data["started_at"] for event in self.events]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_module, "RECONNECT_S", 0.01)


@pytest.fixture
async def control(runtime_dir: Path) -> AsyncIterator[ControlPlane]:
    plane = ControlPlane(runtime_dir)
    yield plane
    if plane._server is not None:
        plane.kill()


@contextlib.asynccontextmanager
async def delivering(reporter: Reporter) -> AsyncIterator[None]:
    task = asyncio.create_task(reporter.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def started(number: float) -> StageStarted:
    return StageStarted(kind="think", connection_id="c1", started_at=number)


def ended(number: float, audio: bytes | None = None) -> StageReport:
    return StageReport(kind="speak", connection_id="c1", started_at=number, ended_at=number + 1, audio=audio)


async def test_reports_arrive_in_order(runtime_dir: Path, control: ControlPlane) -> None:
    await control.start()
    reporter = Reporter(runtime_dir)
    async with delivering(reporter):
        for number in range(0, 40, 2):
            reporter.send(started(number))
            reporter.send(ended(number + 1))
        await until(lambda: len(control.events) == 40)
    assert control.numbers == list(range(40))
    assert StageReport.from_event(control.events[1]) == ended(1)
    assert len(control.connections) == 1


async def test_what_is_reported_while_the_control_plane_is_away_arrives_later(
    runtime_dir: Path, control: ControlPlane
) -> None:
    reporter = Reporter(runtime_dir)
    async with delivering(reporter):
        for number in range(5):
            reporter.send(started(number))
        await control.start()
        await until(lambda: len(control.events) == 5)
    assert control.numbers == list(range(5))


async def test_a_control_plane_that_restarts_gets_what_comes_after(runtime_dir: Path, control: ControlPlane) -> None:
    await control.start()
    reporter = Reporter(runtime_dir)
    async with delivering(reporter):
        reporter.send(started(1))
        await until(lambda: control.numbers == [1])
        control.kill()
        reporter.send(started(2))
        await control.start()
        reporter.send(started(3))
        await until(lambda: control.numbers == [1, 2, 3])
        control.kill()
        await control.start()
        # It reconnects without anything to send: the end of the connection is seen at once.
        await until(lambda: len(control.connections) == 3)


async def test_memory_is_bounded_while_the_control_plane_is_away(
    runtime_dir: Path, control: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    reporter = Reporter(runtime_dir)
    for number in range(MAX_WAITING_REPORTS + 6):
        reporter.send(started(number))
    assert caplog.text.count("lost to the history") == 6
    await control.start()
    async with delivering(reporter):
        await until(lambda: len(control.events) == MAX_WAITING_REPORTS)
    assert control.numbers[0] == 6  # the oldest were dropped


async def test_memory_is_bounded_in_bytes_too(runtime_dir: Path, control: ControlPlane) -> None:
    reporter = Reporter(runtime_dir)
    for number in range(6):
        reporter.send(ended(number, bytes(15 * 2**20)))
    await control.start()
    async with delivering(reporter):
        await until(lambda: len(control.events) == 4)
    assert control.numbers == [2, 3, 4, 5]


async def test_a_report_that_breaks_every_connection_does_not_hold_up_those_behind_it(
    runtime_dir: Path, control: ControlPlane
) -> None:
    reporter = Reporter(runtime_dir)
    reporter.send(ended(1, bytes(8 * 2**20)))
    reporter.send(started(2))

    async def refuse_large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header = await reader.readline()
        if b"payload_length" not in header:
            data = await reader.readexactly(20)
            control.events.append(Event("small", {"header": header, "data": data}))
        writer.transport.abort()

    server = await asyncio.start_unix_server(refuse_large, runtime_dir / "control.sock")
    async with delivering(reporter):
        await until(lambda: control.events)
    server.close()


async def test_flush_waits_for_what_is_queued_but_not_for_ever(runtime_dir: Path, control: ControlPlane) -> None:
    reporter = Reporter(runtime_dir)
    reporter.send(started(1))
    async with delivering(reporter):
        await reporter.flush(0.02)  # nobody there
        await control.start()
        await reporter.flush(5)
        await until(lambda: control.numbers == [1])
        async with asyncio.timeout(1):
            await reporter.flush(60)  # nothing left
