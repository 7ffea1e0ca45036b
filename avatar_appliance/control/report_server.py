"""The control socket: the data plane's reports come in here."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

from wyoming.error import Error

from avatar_appliance.errors import AvatarError
from avatar_appliance.log import log_defect
from avatar_appliance.turns import ENDED_EVENT, STARTED_EVENT, StageReport, StageStarted, TurnJoiner
from avatar_appliance.wire import FrameLimits, read_event, write_event

_LOGGER = logging.getLogger(__name__)

CONTROL_SOCKET = "control.sock"
# One whole answer as audio travels in one report.
LIMITS = FrameLimits(header_bytes=64 * 1024, data_bytes=2**20, payload_bytes=33 * 2**20)


class ReportServer:
    """Takes reports from servers of this user (the socket's mode keeps others out) and hands them to the joiner."""

    def __init__(self, runtime_dir: Path, joiner: TurnJoiner) -> None:
        self._path = runtime_dir / CONTROL_SOCKET
        self._joiner = joiner
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; a left-over socket file is replaced."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, fresh, limit=LIMITS.header_bytes)
        fresh.chmod(0o600)
        fresh.rename(self._path)

    async def stop(self) -> None:
        """Stop listening and end the connections."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
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
        except AvatarError as error:
            _LOGGER.warning("a report was refused: %s (%s)", error.text, error.code)
            await write_event(writer, Error(text=error.text, code=error.code).event())
        except OSError:
            pass
        except Exception as error:  # noqa: BLE001 - one bad report must not end the control plane
            log_defect(_LOGGER, "defect while taking a report", error)
        finally:
            if running:
                await self._joiner.interrupt(running)
            self._connections.discard(task)
            writer.close()
