"""Tell the control plane what a stage did: for history, live state and MQTT.

Reporting never slows or fails a turn: reports wait in a bounded queue, and while the control plane is away the oldest
is dropped. Only this machine's control socket ever hears what was said.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wyoming.event import Event

from avatar_appliance.errors import AvatarError, DeadlineExceeded
from avatar_appliance.facts import Origin
from avatar_appliance.turns.report import STARTED_EVENT, ReportedKind, StagePart, StageReport, StageStarted
from avatar_appliance.wire import FrameLimits, open_reader, write_event

_LOGGER = logging.getLogger(__name__)

MAX_WAITING_REPORTS = 64
MAX_WAITING_BYTES = 64 * 2**20
RECONNECT_S = 0.5
# What has begun is about to ask for a worker, of the same control plane: the answer to that is waited for, the history
# is not. (Measured: 2 to 3 ms of each turn.)
GIVE_WAY_S = 0.01
CONTROL_SOCKET = "control.sock"
MAX_TEXT_CHARS = 32_000
MAX_NAME_CHARS = 256
# The control plane refuses larger WAV files, and with them the whole report.
MAX_AUDIO_BYTES = 32 * 2**20
# A report on which the connection breaks again and again must not stand in the way of those behind it.
MAX_TRIES = 3


class Reporter:
    """Sends reports to the control socket, in order, reconnecting for ever."""

    def __init__(self, runtime_dir: Path) -> None:
        self._path = runtime_dir / CONTROL_SOCKET
        self._waiting: deque[Event] = deque()
        self._waiting_bytes = 0
        self._tries = 0
        self._arrived = asyncio.Event()
        self._sent = asyncio.Event()

    def send(self, report: StageStarted | StageReport) -> None:
        """Queue a report; returns at once."""
        event = report.to_event()
        self._waiting.append(event)
        self._waiting_bytes += len(event.payload or b"")
        while len(self._waiting) > MAX_WAITING_REPORTS or self._waiting_bytes > MAX_WAITING_BYTES:
            self._drop_oldest()
            _LOGGER.warning("the control plane is away: the oldest report is lost to the history")
        self._arrived.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                reader, writer = await open_reader(str(self._path), limits=FrameLimits())
            except OSError:
                await asyncio.sleep(RECONNECT_S)
                continue
            # The control plane says nothing unless it refuses a report: any word and the end both mean a new start.
            delivering, hearing = asyncio.ensure_future(self._deliver(writer)), asyncio.ensure_future(reader.read(1))
            try:
                await asyncio.wait({delivering, hearing}, return_when=asyncio.FIRST_COMPLETED)
                _LOGGER.info("lost the control socket; reconnecting")
            finally:
                delivering.cancel()
                hearing.cancel()
                await asyncio.gather(delivering, hearing, return_exceptions=True)
                writer.transport.abort()
            await asyncio.sleep(RECONNECT_S)

    async def flush(self, timeout_s: float) -> None:
        """Wait until everything queued has left, `timeout_s` at most: for the end of the process."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._waiting:
                    self._sent.clear()
                    await self._sent.wait()

    async def _deliver(self, writer: asyncio.StreamWriter) -> None:
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
                if self._waiting and self._waiting[0].type == STARTED_EVENT:
                    await asyncio.sleep(GIVE_WAY_S)
            if not self._waiting:
                continue
            event = self._waiting[0]
            self._tries += 1
            if self._tries <= MAX_TRIES:
                await write_event(writer, event)
            # Taken off only now: a report whose connection broke is sent again, and the joiner counts it once.
            if self._waiting and self._waiting[0] is event:
                self._drop_oldest()
            self._sent.set()

    def _drop_oldest(self) -> None:
        self._waiting_bytes -= len(self._waiting.popleft().payload or b"")
        self._tries = 0


class StageRecorder:
    """Collects one stage while it runs; leaving the `async with` reports it, however it ended."""

    def __init__(self, reporter: Reporter | None, kind: ReportedKind, connection: str, *, keep_audio: bool) -> None:
        self.keep_audio = keep_audio and reporter is not None
        """Whether anybody will want `audio`."""
        self._reporter = reporter
        self._kind: ReportedKind = kind
        self._connection = connection
        self._started_at = 0.0
        self._first_output_at: float | None = None
        self.language: str | None = None
        self.worker: str | None = None
        self.voice: str | None = None
        self.speaker: str | None = None
        """Id of the profile of whoever was recognised by voice."""
        self.degraded: str | None = None
        self.text_in: str | None = None
        self.text_out: str | None = None
        self.conversation_id: str | None = None
        self.satellite_id: str | None = None
        self.device_id: str | None = None
        self.error_code: str | None = None
        self.detail: Mapping[str, Any] = {}
        self.parts: tuple[StagePart, ...] = ()
        """What was done within the stage."""
        self.link_id: str | None = None
        """Equal for the several requests of one thought."""
        self.audio_duration_s: float | None = None
        self.audio: Callable[[], bytes] | None = None
        """Makes the WAV file; called only when audio is kept."""
        self.timed_out: Callable[[], bool] = lambda: False
        """Whether a cancelled task was out of time; otherwise its client hung up."""

    @property
    def origin(self) -> Origin:
        """The name of the stage in its report; it has one from its beginning on."""
        return Origin(connection_id=self._connection, started_at=self._started_at)

    def note_context(self, context: object) -> None:
        """Take Home Assistant's ids from the `context` of an event."""
        if isinstance(context, Mapping):
            self.conversation_id = _id(context.get("conversation_id")) or self.conversation_id
            self.satellite_id = _id(context.get("satellite_id")) or self.satellite_id
            self.device_id = _id(context.get("device_id")) or self.device_id

    def first_output(self) -> None:
        """Note that the first piece of output leaves now; later calls change nothing."""
        if self._first_output_at is None:
            self._first_output_at = time.time()

    def begin(self) -> None:
        """Report the start, with what is known by now; called by `async with`."""
        if self._reporter is not None:
            self._reporter.send(
                StageStarted(
                    kind=self._kind,
                    connection_id=self._connection,
                    started_at=self._started_at,
                    language=_id(self.language),
                    conversation_id=self.conversation_id,
                    satellite_id=self.satellite_id,
                    device_id=self.device_id,
                    text_in=_text(self.text_in),
                )
            )

    async def __aenter__(self) -> Self:
        self._started_at = time.time()
        self.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reporter is None:
            return
        if isinstance(error, AvatarError):
            self.error_code = error.code
        elif isinstance(error, Exception) and not isinstance(error, ConnectionError):
            self.error_code = "internal"
        # A cancelled task and a broken socket both mean that the client hung up.
        cancelled = isinstance(error, (asyncio.CancelledError, ConnectionError))
        if cancelled and self.timed_out():
            cancelled, self.error_code = False, DeadlineExceeded.code
        self._reporter.send(
            StageReport(
                kind=self._kind,
                connection_id=self._connection,
                started_at=self._started_at,
                ended_at=max(time.time(), self._started_at),
                first_output_at=self._first_output_at,
                language=_id(self.language),
                worker=_id(self.worker),
                voice=self.voice[:MAX_NAME_CHARS] if self.voice else None,
                speaker=self.speaker[:MAX_NAME_CHARS] if self.speaker else None,
                degraded=self.degraded[:MAX_NAME_CHARS] if self.degraded else None,
                text_in=_text(self.text_in),
                text_out=_text(self.text_out),
                conversation_id=self.conversation_id,
                satellite_id=self.satellite_id,
                device_id=self.device_id,
                error_code=self.error_code,
                cancelled=cancelled,
                link_id=_id(self.link_id),
                parts=self.parts,
                detail={k: v for k, v in self.detail.items() if v is not None},
                audio_duration_s=self.audio_duration_s,
                audio=self._wav(),
            )
        )

    def _wav(self) -> bytes | None:
        if not self.keep_audio or self.audio is None or not self.audio_duration_s:
            return None
        wav = self.audio()
        return wav if len(wav) <= MAX_AUDIO_BYTES else None


def _id(value: object) -> str | None:
    """Return a client's identifier if it is one: the control plane refuses reports with anything else."""
    return value if isinstance(value, str) and 0 < len(value) <= 128 and value.isprintable() else None


def _text(value: str | None) -> str | None:
    return value[:MAX_TEXT_CHARS] if value is not None else None
