"""Transcribing one utterance on a worker, while it is still being spoken."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from avatar_appliance.leases import Urgency
from wyoming_servers.backends.climb import WORKER_TROUBLE
from wyoming_servers.backends.metrics import take_metrics
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.backends.wyoming_worker import WorkerConnection, WyomingWorkerLink

RATE_HZ = 16_000
# One frame on the wire; a whole utterance that is sent again goes in such pieces.
PIECE_BYTES = 32 * 1024
# How long the best worker is waited for before a lesser one transcribes.
PATIENCE_S = 1.5
# While the person still speaks, a worker that could not be had is asked for again so soon, unless we are told when.
ASK_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Heard:
    """A worker's transcript."""

    text: str
    language: str | None
    metrics: dict[str, float]
    worker: str
    degraded: str | None
    rejected: str | None = None
    """Why the worker was not even asked."""


class Decoder:
    """Sends audio to a worker as it comes, and can start over, since it keeps all of it.

    So a trial that speech overtook, or a worker that died, costs time but no audio. `feed` never waits: whether a
    worker is there matters only once the utterance is over. The worker is leased from the first audio on (so that it
    is loaded while the person speaks), and urgently once it decodes.
    """

    def __init__(self, links: Sequence[WyomingWorkerLink], wish: Transcribe, access: WorkerAccess) -> None:
        self._links = list(links)
        self._wish = wish
        self._access = access
        self._audio = bytearray()
        self._complete = asyncio.Event()
        self._changed = asyncio.Event()
        self._asked: WyomingWorkerLink | None = None
        self._decoding: asyncio.Task[Heard] | None = None

    def feed(self, pcm: bytes) -> None:
        """Take 16 kHz 16-bit mono audio and send it on."""
        self._audio += pcm
        self._changed.set()
        self._begin()

    def start_trial(self) -> None:
        """Say that this may be all: the worker starts transcribing. Audio that follows is kept, not sent."""
        self._complete.set()
        self._changed.set()
        self._begin()

    async def drop_trial(self) -> None:
        """Speech went on: hang up on the worker; the next piece of audio starts over with everything."""
        await self.aclose()
        self._complete.clear()

    async def result(self) -> Heard:
        """Return the transcript of the audio fed.

        A worker that fails is replaced once, by the next of the ladder or by itself, restarted. Raises what the second
        one said, or why there is none: WorkerUnavailable, WorkerFailed or Busy.
        """
        self.start_trial()
        assert self._decoding is not None
        return await self._decoding

    async def aclose(self) -> None:
        """Hang up, which cancels the worker's work."""
        if self._decoding is not None:
            self._decoding.cancel()
            await asyncio.gather(self._decoding, return_exceptions=True)
            self._decoding = None

    def _begin(self) -> None:
        if self._decoding is None:
            self._decoding = asyncio.create_task(self._decode(), name="decode")

    async def _decode(self) -> Heard:
        ladder, trouble = self._links, ""
        while True:
            self._asked = None
            try:
                heard = await self._attempt(ladder, patience_s=0 if trouble else PATIENCE_S)
                return replace(heard, degraded=f"{heard.worker} after {trouble}") if trouble else heard
            except WORKER_TROUBLE as error:
                if self._asked is None:
                    if self._complete.is_set():
                        raise
                    # Nobody can be had yet, but the person is still speaking.
                    await self._wait_complete(error.retry_after_s or ASK_AGAIN_S)
                elif trouble:
                    raise
                else:
                    trouble = f"{self._asked.name}: {error.code}"
                    ladder = [*(link for link in self._links if link is not self._asked), self._asked]

    async def _attempt(self, ladder: Sequence[WyomingWorkerLink], *, patience_s: float) -> Heard:
        urgency = Urgency.FINAL if self._complete.is_set() else Urgency.IDLE
        use = await self._access.open(ladder, WyomingWorkerLink.open, urgency=urgency, patience_s=patience_s)
        with use, contextlib.closing(use.opened) as connection:
            self._asked = use.rung
            await connection.send(self._wish)
            await connection.send(AudioStart(rate=RATE_HZ, width=2, channels=1))
            await self._send_audio(connection)
            use.set_urgency(Urgency.FINAL)
            await connection.send(AudioStop())
            while not Transcript.is_type((event := await connection.receive()).type):
                pass  # pieces of a transcript: what we answer is judged as a whole first
            transcript = connection.parse(Transcript, event)
        return Heard(
            text=transcript.text,
            language=transcript.language,
            metrics=take_metrics(transcript.context),
            worker=use.rung.name,
            degraded=use.degraded,
        )

    async def _wait_complete(self, most_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await self._complete.wait()

    async def _send_audio(self, connection: WorkerConnection) -> None:
        """Send everything from the beginning, and what comes, until it is complete."""
        sent = 0
        while True:
            while sent < len(self._audio):
                piece = bytes(self._audio[sent : sent + PIECE_BYTES])
                sent += len(piece)
                await connection.send(AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=piece))
            if self._complete.is_set():
                return
            self._changed.clear()
            await self._changed.wait()
