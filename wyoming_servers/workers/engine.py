"""What a speech engine is, and the thread it runs in.

Engines are blocking code. Each worker process has one engine and one thread for it: nothing else runs in that
thread, and an engine is never called by two requests at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from wyoming.info import AsrProgram, TtsProgram

from avatar_appliance.errors import WorkerBusy
from avatar_appliance.speakers import SpeakerEmbedding

Result = TypeVar("Result")


class StopFlag(threading.Event):
    """Set when nobody wants the result any more; engines look at it between tokens, segments or sentences."""


@dataclass(frozen=True, slots=True)
class TranscribeOptions:
    """What is known about an utterance before it is transcribed."""

    language: str | None = None
    names: tuple[str, ...] = ()
    """First-priority vocabulary."""
    terms: tuple[str, ...] = ()
    """Second-priority vocabulary."""


@dataclass(frozen=True, slots=True)
class Transcription:
    """What an ASR engine heard, and how sure it is."""

    text: str
    language: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    """avg_logprob, no_speech_prob, compression_ratio, language_probability where the engine knows them."""


@dataclass(frozen=True, slots=True)
class AudioPiece:
    """Signed 16-bit mono PCM."""

    rate_hz: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class EmbeddedSpeech:
    """Whose voice an engine heard."""

    embedding: SpeakerEmbedding
    speech_s: float
    """How much speech there was in the audio."""
    model: str
    """Embeddings of different models cannot be compared."""


class SpeechToText(Protocol):
    """An ASR engine. `load` imports and loads it; everything may block."""

    def load(self) -> None:
        """Import the engine, load the model, run it once; raises on any failure."""
        ...

    def program(self) -> AsrProgram:
        """Return the engine's own Wyoming program entry."""
        ...

    def transcribe(self, audio: NDArray[np.float32], options: TranscribeOptions, stop: StopFlag) -> Transcription:
        """Transcribe mono audio, 16 kHz, shape (samples,), range -1..1."""
        ...


class TextToSpeech(Protocol):
    """A TTS engine. `load` imports and loads it; everything may block."""

    def load(self) -> None:
        """Import the engine, load the voices, speak once; raises on any failure."""
        ...

    def program(self) -> TtsProgram:
        """Return the engine's own Wyoming program entry, as it is now: at once, whatever the engine's thread does."""
        ...

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        """Speak one piece of plain text, yielding audio as it comes."""
        ...


class SpeakerEncoder(Protocol):
    """An engine that tells voices apart. `load` imports and loads it; everything may block."""

    def load(self) -> None:
        """Load the model, run it once; raises on any failure."""
        ...

    def embed(self, audio: NDArray[np.float32], stop: StopFlag) -> EmbeddedSpeech:
        """Embed mono audio, 16 kHz, shape (samples,), range -1..1; raises SpeechTooShort."""
        ...


class EngineThread:
    """The one thread of an engine, with a short bounded queue in front of it.

    A cancelled call sets its stop flag and is gone at once for its caller, but the thread counts as busy until the call
    has really returned: a CTranslate2 call cannot be interrupted, and a second one beside it would only slow both.
    """

    def __init__(self, *, max_waiting: int, wait_s: float) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        self._turn = asyncio.Lock()
        self._running: asyncio.Future[Any] | None = None
        self._waiting = 0
        self._max_waiting = max_waiting
        self._wait_s = wait_s

    @property
    def busy(self) -> bool:
        """Whether the thread is in a call, perhaps for somebody who is gone."""
        return self._turn.locked()

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return self._waiting

    async def call(self, function: Callable[[StopFlag], Result]) -> Result:
        """Run `function` in the thread; raises WorkerBusy when the queue is full or the wait too long."""
        await self._take_turn()
        stop = StopFlag()
        future = self._start(function, stop)
        try:
            await asyncio.wait({future})  # unlike `await future`, this does not cancel it with us
        finally:
            stop.set()
        return future.result()

    async def stream(
        self, function: Callable[[StopFlag], Iterator[Result]], *, ahead: int = 8
    ) -> AsyncGenerator[Result, None]:
        """Run a generator in the thread and yield its items; the thread is at most `ahead` items in front.

        Raises WorkerBusy as `call` does. Close the generator to cancel the call.
        """
        loop = asyncio.get_running_loop()
        items: asyncio.Queue[Result | None] = asyncio.Queue()
        room = threading.Semaphore(ahead)

        def produce(stop: StopFlag) -> None:
            try:
                for item in function(stop):
                    room.acquire()
                    if stop.is_set():
                        return
                    loop.call_soon_threadsafe(items.put_nowait, item)
            finally:
                loop.call_soon_threadsafe(items.put_nowait, None)

        await self._take_turn()
        stop = StopFlag()
        future = self._start(produce, stop)
        try:
            while (item := await items.get()) is not None:
                yield item
                room.release()
            await asyncio.wait({future})
        finally:
            stop.set()
            room.release()  # it may be waiting there; it looks at `stop` next
        future.result()

    async def wait_idle(self) -> None:
        """Return when the call that runs now, if any, has really returned; callers that are gone have no other."""
        if self._running is not None:
            await asyncio.wait({self._running})

    def close(self) -> None:
        """Take no more calls; the one running ends by itself."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _take_turn(self) -> None:
        if self._turn.locked() and self._waiting >= self._max_waiting:
            raise WorkerBusy(f"{self._waiting} requests wait for this worker already")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._turn.acquire()
        except TimeoutError:
            raise WorkerBusy(f"the worker was busy for {self._wait_s:g} s") from None
        finally:
            self._waiting -= 1

    def _start(self, function: Callable[[StopFlag], Result], stop: StopFlag) -> asyncio.Future[Result]:
        """Run `function` in the thread; the turn is over when it has really returned, whoever still waits for it."""
        try:
            future = asyncio.get_running_loop().run_in_executor(self._executor, function, stop)
        except RuntimeError:  # closed
            self._turn.release()
            raise
        self._running = future
        future.add_done_callback(self._ended)
        return future

    def _ended(self, future: asyncio.Future[Result]) -> None:
        self._running = None
        self._turn.release()
        if not future.cancelled():
            future.exception()  # looked at: when the caller is gone, its outcome interests nobody
