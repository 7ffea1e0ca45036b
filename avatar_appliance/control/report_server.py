"""The control socket: the data plane's reports come in here."""

from __future__ import annotations

import asyncio
from pathlib import Path

from avatar_appliance.turns import ENDED_EVENT, STARTED_EVENT, StageReport, StageStarted, TurnJoiner
from avatar_appliance.wire import FrameLimits, UnixServer, read_event

CONTROL_SOCKET = "control.sock"
# One whole answer as audio travels in one report.
LIMITS = FrameLimits(header_bytes=64 * 1024, data_bytes=2**20, payload_bytes=33 * 2**20)
# Three servers, the doors to come, and their successors while they restart.
MAX_CONNECTIONS = 64


class ReportServer:
    """Takes reports from servers of this user (the socket's mode keeps others out) and hands them to the joiner."""

    def __init__(self, runtime_dir: Path, joiner: TurnJoiner) -> None:
        self._joiner = joiner
        self._server = UnixServer(
            runtime_dir / CONTROL_SOCKET, self._serve, limits=LIMITS, max_connections=MAX_CONNECTIONS
        )

    async def start(self) -> None:
        """Listen; a left-over socket file is replaced."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening and end the connections."""
        await self._server.stop()

    async def _serve(self, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        # Stages that began on this socket and have not ended: when it breaks, their server has died.
        running: set[str] = set()
        try:
            while (event := await read_event(reader, LIMITS)) is not None:
                if event.type == STARTED_EVENT:
                    started = StageStarted.from_event(event)
                    running.add(started.connection_id)
                    await self._joiner.started(started)
                elif event.type == ENDED_EVENT:
                    report = StageReport.from_event(event)
                    running.discard(report.connection_id)
                    await self._joiner.report(report)
        finally:
            if running:
                await self._joiner.interrupt(running)
