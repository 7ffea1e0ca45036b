"""One client connection: a reader beside a job, so that hanging up cancels the work behind it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, SelectProgram
from wyoming.ping import Ping, Pong

from avatar_appliance.errors import (
    AvatarError,
    DeadlineExceeded,
    IdleTimeout,
    InternalError,
    ProgramUnknown,
    ServerFull,
    ShuttingDown,
)
from avatar_appliance.log import connection_log, log_defect
from avatar_appliance.wire import FrameLimits, parse_event, read_sized_event, write_event

from .idle import IDLE, WAIT_IDLE
from .inbox import Inbox
from .request import Request

if TYPE_CHECKING:
    from .server import WyomingServer

_LOGGER = logging.getLogger(__name__)
# How long a client gets to read our last words before the socket goes.
LINGER_S = 1.0


class Connection:
    """Reads events all the time, answers `describe` and `ping` at once, and runs one request after another.

    The end of the client's stream counts as hanging up, also where it only closed its sending side: TCP does not tell
    the difference, and work for nobody must stop. (While the inbox is full the end is seen only after it has room.)
    """

    def __init__(
        self, server: WyomingServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, identity: str
    ) -> None:
        self.identity = identity
        self.idle_since = asyncio.get_running_loop().time()
        self.in_request = False
        self.inbox = Inbox()
        self._server = server
        self._reader = reader
        self._writer = writer
        self._program: str | None = None
        limits = server.limits
        self._frame_limits = FrameLimits(limits.max_header_bytes, limits.max_data_bytes, limits.max_payload_bytes)
        self._closing: AvatarError | None = None
        self._closed = asyncio.Event()
        self._idle_watch: asyncio.Task[None] | None = None

    @property
    def is_closing(self) -> bool:
        """Whether `close_with` was called."""
        return self._closing is not None

    def close_with(self, error: AvatarError) -> None:
        """End the connection from outside, telling the client why."""
        self._closing = self._closing or error
        self._closed.set()

    @property
    def is_aborted(self) -> bool:
        """Whether the socket is gone or going."""
        return self._writer.transport.is_closing()

    def abort(self) -> None:
        """Drop the connection at once, without waiting for the client to read our last words."""
        self._writer.transport.abort()

    async def run(self) -> None:
        """Serve the client until it hangs up, errs, idles too long or is asked to go."""
        with connection_log(self.identity):
            error = self._closing or await self._serve_until_end()
            try:
                async with asyncio.timeout(LINGER_S):
                    await self._last_words(error)
                    self._writer.close()
                    await self._writer.wait_closed()
            except OSError:  # gone, or (as TimeoutError) not listening
                pass
            finally:
                self._writer.transport.abort()

    async def _serve_until_end(self) -> AvatarError | None:
        """Run until one side ends it, with no work left behind; return what the client is to be told."""
        tasks = [
            asyncio.create_task(self._serve_requests(), name=f"job {self.identity}"),
            asyncio.create_task(self._read(), name=f"reader {self.identity}"),
            asyncio.create_task(self._wait_closed(), name=f"closing {self.identity}"),
        ]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return self._closing or next((error for task in tasks if task in ended and (error := _outcome(task))), None)
        finally:
            if self._idle_watch is not None:
                tasks.append(self._idle_watch)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait_closed(self) -> None:
        await self._closed.wait()

    async def _read(self) -> None:
        while (sized := await read_sized_event(self._reader, self._frame_limits)) is not None:
            event, size_bytes = sized
            if Describe.is_type(event.type):
                await self._write(self._server.handler.info().event())
            elif Ping.is_type(event.type):
                await self._write(Pong(text=parse_event(Ping, event).text).event())
            elif SelectProgram.is_type(event.type):
                self._select(parse_event(SelectProgram, event).name)
            elif event.type == WAIT_IDLE.type:
                # No request: it computes nothing, and a drain does not wait for it.
                if self._idle_watch is None or self._idle_watch.done():
                    self._idle_watch = asyncio.create_task(self._tell_idle(), name=f"idle watch {self.identity}")
            else:
                await self.inbox.put(event, size_bytes)

    async def _tell_idle(self) -> None:
        await self._server.handler.wait_idle()
        try:
            await self._write(IDLE)
        except ConnectionError:
            pass  # the reader sees it, too

    def _select(self, name: str) -> None:
        if name not in self._server.handler.program_names():
            raise ProgramUnknown("no program of that name here")
        self._program = name

    async def _serve_requests(self) -> None:
        handler, limits = self._server.handler, self._server.limits
        while True:
            try:
                event = await self.inbox.get(limits.idle_timeout_s)
            except DeadlineExceeded:
                raise IdleTimeout(f"no request for {limits.idle_timeout_s:g} s") from None
            if not handler.begins_request(event.type):
                continue
            request = Request(
                event,
                self.inbox,
                self._write,
                connection=self.identity,
                program=self._program,
                timeout_s=limits.request_timeout_s,
            )
            try:
                await self._serve_one(request)
            except AvatarError as error:
                _LOGGER.info("request refused: %s (%s)", error.code, error.text)
                async with asyncio.timeout(LINGER_S):
                    if not await handler.refuse(request, error):
                        raise
            self.idle_since = asyncio.get_running_loop().time()

    async def _serve_one(self, request: Request) -> None:
        server = self._server
        if server.draining:
            raise ShuttingDown("the server is restarting")
        if server.active_requests >= server.limits.max_turns:
            raise ServerFull(f"{server.limits.max_turns} requests are being served already")
        server.active_requests += 1
        self.in_request = True
        try:
            async with request.deadline():
                await server.handler.serve(request)
        except (AvatarError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - logged, and told to the client
            log_defect(_LOGGER, "defect while serving a request", error)
            raise InternalError("something went wrong here; it is in the log") from None
        finally:
            server.active_requests -= 1
            self.in_request = False
            server.note_idle()

    async def _write(self, event: Event) -> None:
        # Reader and job both write. Events do not mix: all of one is in the buffer before anything is waited for.
        try:
            await write_event(self._writer, event)
        except OSError:
            raise ConnectionResetError("the client is gone") from None

    async def _last_words(self, error: AvatarError | None) -> None:
        if error is not None:
            await self._write(Error(text=error.text, code=error.code).event())
        if self._writer.can_write_eof():
            self._writer.write_eof()
        # Closing a socket that holds unread bytes resets it, and the reset may overtake our error event.
        while await self._reader.read(2**16):
            pass


def _outcome(task: asyncio.Task[None]) -> AvatarError | None:
    """Translate how a task ended into what the client is told; None where nobody is left to be told."""
    error = None if task.cancelled() else task.exception()
    if error is None or isinstance(error, (OSError, AvatarError)):
        return error if isinstance(error, AvatarError) else None
    log_defect(_LOGGER, "defect while serving a connection", error)
    return InternalError("something went wrong here; it is in the log")
