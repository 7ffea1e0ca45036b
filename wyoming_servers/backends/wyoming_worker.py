"""A Wyoming worker as the data plane sees it: ours on a unix socket, or any Wyoming server anywhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.info import Describe, Info

from avatar_appliance.config.workers import WorkerSettings, WyomingWorker, socket_path
from avatar_appliance.errors import (
    AudioTooLong,
    BadRequest,
    ServerFull,
    SpeechTooShort,
    TextTooLong,
    VoiceUnknown,
    WorkerBusy,
    WorkerFailed,
    WorkerUnavailable,
)
from avatar_appliance.wire import FrameLimits, open_reader, parse_event, read_event, write_event
from wyoming_servers.base import IDLE, WAIT_IDLE

Value = TypeVar("Value", bound=Eventable)

CONNECT_TIMEOUT_S = 2.0
DESCRIBE_TIMEOUT_S = 5.0
# A worker is trusted more than a client, and a TTS worker may send a whole sentence in one chunk.
LIMITS = FrameLimits(header_bytes=2**20, data_bytes=2**24, payload_bytes=2**26)
# Errors a worker reports by code and that the client should hear as they are.
_PASSED_ON = {
    error.code: error for error in (WorkerBusy, ServerFull, VoiceUnknown, TextTooLong, AudioTooLong, SpeechTooShort)
}


class WorkerConnection:
    """One open connection to a worker; closing it is how a request is cancelled."""

    def __init__(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._name = name
        self._reader = reader
        self._writer = writer

    async def send(self, event: Event | Eventable) -> None:
        """Send one event; raises WorkerFailed when the worker is gone."""
        try:
            await write_event(self._writer, event.event() if isinstance(event, Eventable) else event)
        except OSError:
            raise WorkerFailed(f"worker {self._name} closed the connection") from None

    async def receive(self) -> Event:
        """Return the worker's next event.

        Raises WorkerFailed when it hangs up or talks nonsense, or the error it reports where its code is one of ours.
        """
        try:
            event = await read_event(self._reader, LIMITS)
        except (OSError, BadRequest) as error:
            raise WorkerFailed(f"worker {self._name} sent something unusable ({type(error).__name__})") from None
        if event is None:
            raise WorkerFailed(f"worker {self._name} closed the connection")
        if Error.is_type(event.type):
            # The text of a foreign error may quote what was said: only the code goes on, if it looks like one.
            code = event.data.get("code")
            code = code if isinstance(code, str) and len(code) <= 64 and code.replace("-", "_").isidentifier() else ""
            if known := _PASSED_ON.get(code):
                raise known(f"worker {self._name}: {code}")
            raise WorkerFailed(f"worker {self._name} reported an error ({code or 'no code'})")
        return event

    def parse(self, kind: type[Value], event: Event) -> Value:
        """Return the worker's event as a `kind`; raises WorkerFailed when it is malformed."""
        try:
            return parse_event(kind, event)
        except BadRequest:
            raise WorkerFailed(f"worker {self._name} sent something unusable ({kind.__name__})") from None

    def close(self) -> None:
        """Hang up at once, which cancels what the worker does for us."""
        self._writer.transport.abort()


class WyomingWorkerLink:
    """How to reach one worker."""

    def __init__(self, name: str, settings: WorkerSettings, runtime_dir: Path) -> None:
        self.name = name
        self.engine = settings.engine
        self.down_since_s: float | None = None
        """When (by the loop's clock) nobody was found listening; None after somebody was."""
        self._path: str | None = None
        self._host: str | None = None
        self._port: int | None = None
        self._foreign = isinstance(settings, WyomingWorker)
        if isinstance(settings, WyomingWorker):
            parts = urlsplit(settings.uri)
            if parts.scheme == "unix":
                self._path = parts.path
            else:
                self._host, self._port = parts.hostname, parts.port
        else:
            self._path = str(socket_path(runtime_dir, name))

    @property
    def worker(self) -> str:
        """Name of the worker: a link is a rung of its own."""
        return self.name

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[WorkerConnection]:
        """Open a connection; raises WorkerUnavailable when nobody listens there."""
        connection = await self.open()
        try:
            yield connection
        finally:
            connection.close()

    async def open(self) -> WorkerConnection:
        """Open a connection that the caller closes; raises WorkerUnavailable when nobody listens there."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await open_reader(self._path, self._host, self._port, limits=LIMITS)
        except (OSError, TimeoutError):
            self.down_since_s = self.down_since_s or asyncio.get_running_loop().time()
            raise WorkerUnavailable(f"worker {self.name} is not running") from None
        self.down_since_s = None
        return WorkerConnection(self.name, reader, writer)

    async def describe(self) -> Info:
        """Return the worker's offer; raises WorkerUnavailable or WorkerFailed."""
        async with self.connect() as connection:
            await connection.send(Describe())
            try:
                async with asyncio.timeout(DESCRIBE_TIMEOUT_S):
                    while True:
                        event = await connection.receive()
                        if Info.is_type(event.type):
                            return connection.parse(Info, event)
            except TimeoutError:
                raise WorkerFailed(f"worker {self.name} does not answer `describe`") from None

    async def wait_idle(self) -> None:
        """Return when it computes nothing more for requests that hung up; raises WorkerUnavailable or WorkerFailed.

        A foreign server cannot be asked, and is taken to stop at once.
        """
        if self._foreign:
            return
        async with self.connect() as connection:
            await connection.send(WAIT_IDLE)
            while (await connection.receive()).type != IDLE.type:
                pass
