"""Turn pieces of speakable text into one PCM stream of one format, whatever the engines."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

from wyoming.audio import AudioChunk, AudioStop
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.errors import BadRequest, Busy, WorkerFailed
from avatar_appliance.leases import Urgency
from avatar_appliance.leases.lease import Lease
from wyoming_servers.audio import PcmConverter
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.backends.wyoming_worker import WorkerConnection, WyomingWorkerLink

from .voices import Voice, VoiceBook

# How long the voice's own worker is waited for before another voice speaks: ESP32 speakers give up after 2 s.
PATIENCE_S = 1.2
# Between a sentence that broke off and its repetition: long enough to be heard as a new beginning.
AFTER_STUMP_S = 0.25


@dataclass(slots=True)
class Spoken:
    """What was used to speak, for the report."""

    workers: list[str] = field(default_factory=list)
    voices: list[str] = field(default_factory=list)
    degraded: str | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A voice that may speak, as a rung of the ladder."""

    voice: Voice
    link: WyomingWorkerLink

    @property
    def name(self) -> str:
        return self.voice.name

    @property
    def worker(self) -> str:
        return self.link.name

    @property
    def down_since_s(self) -> float | None:
        return self.link.down_since_s

    async def open(self) -> WorkerConnection:
        return await self.link.open()

    async def wait_idle(self) -> None:
        await self.link.wait_idle()


class Speech:
    """Speaks piece after piece, each with a lease of its own; `spoken` tells who did. Use it within `closing`.

    Between two pieces the last lease is kept: the voice must not be sent away, and change, in the middle of an answer.
    """

    def __init__(
        self,
        book: VoiceBook,
        links: Mapping[str, WyomingWorkerLink],
        access: WorkerAccess,
        rate_hz: int,
        program: str | None = None,
    ) -> None:
        self._book = book
        self._links = links
        self._access = access
        self._rate_hz = rate_hz
        self._program = program
        self._asked: _Candidate | None = None
        self._kept: Lease | None = None
        self.spoken = Spoken()

    def close(self) -> None:
        """Say that there are no more pieces."""
        self._let_go()

    async def say(self, text: str, chosen: Voice | None) -> AsyncGenerator[bytes, None]:
        """Yield PCM for one piece of text.

        A worker that fails is replaced once: by another voice of the language, or by itself, restarted. The piece is
        then said from its beginning, after a short silence where some of it was heard already: no engine can continue
        in the middle, and a broken word followed by the whole sentence loses nothing. A second failure is raised.
        """
        voice = self._book.for_text(text, chosen, self._program)
        candidates = [_Candidate(v, self._links[v.worker]) for v in (voice, *self._book.substitutes(voice))]
        trouble, broke_off = "", False
        while True:
            heard = False
            try:
                async with contextlib.aclosing(self._attempt(text, candidates, trouble)) as pieces:
                    async for pcm in pieces:
                        if broke_off and not heard:
                            yield self._silence()
                        heard = True
                        yield pcm
                return
            except (WorkerFailed, Busy) as error:
                asked = self._asked
                if trouble or asked is None:  # None: no worker could be had at all
                    raise
                broke_off = heard
                trouble = f"{asked.name}: {error.code}"
                candidates = [*(other for other in candidates if other is not asked), asked]

    async def _attempt(self, text: str, candidates: Sequence[_Candidate], trouble: str) -> AsyncGenerator[bytes, None]:
        self._asked = None
        # Until the first sound is out, somebody waits; later clauses are made while earlier ones are heard.
        urgency = Urgency.LATER if self.spoken.workers else Urgency.FIRST
        use = await self._access.open(
            candidates, _Candidate.open, urgency=urgency, patience_s=0 if trouble else PATIENCE_S
        )
        self._let_go()
        with use, contextlib.closing(use.opened) as connection:
            self._asked, voice = use.rung, use.rung.voice
            degraded = f"{voice.name} after {trouble}" if trouble else use.degraded
            converter: PcmConverter | None = None
            wish = SynthesizeVoice(name=voice.worker_name, speaker=voice.speaker)
            await connection.send(Synthesize(text=text, voice=wish))
            while not AudioStop.is_type((event := await connection.receive()).type):
                if AudioChunk.is_type(event.type):
                    chunk = connection.parse(AudioChunk, event)
                    converter = converter or self._converter(chunk)
                    self._note(voice, degraded)
                    if pcm := converter.convert(chunk.audio):
                        yield pcm
                        use.set_urgency(Urgency.LATER)
            if converter is not None and (pcm := converter.flush()):
                yield pcm
            self._kept = use.keep()

    def _let_go(self) -> None:
        if self._kept is not None:
            self._kept.release()
            self._kept = None

    def _silence(self) -> bytes:
        return bytes(2 * int(self._rate_hz * AFTER_STUMP_S))

    def _converter(self, chunk: AudioChunk) -> PcmConverter:
        try:
            return PcmConverter(chunk.rate, chunk.width, chunk.channels, self._rate_hz)
        except BadRequest as error:
            raise WorkerFailed(f"a worker's audio cannot be used: {error.text}") from None

    def _note(self, voice: Voice, degraded: str | None) -> None:
        spoken = self.spoken
        if voice.worker not in spoken.workers:
            spoken.workers.append(voice.worker)
        if voice.name not in spoken.voices:
            spoken.voices.append(voice.name)
        spoken.degraded = spoken.degraded or degraded
