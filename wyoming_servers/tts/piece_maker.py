"""Have a worker speak one piece of text: the sound as it comes, in the house's one format."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

from wyoming.audio import AudioChunk, AudioStop
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.errors import BadRequest, WorkerFailed
from avatar_appliance.leases import Urgency
from wyoming_servers.audio import PcmConverter
from wyoming_servers.backends.use import Use
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.backends.wyoming_worker import WorkerConnection, WyomingWorkerLink

from .voice import Voice


@dataclass(frozen=True, slots=True)
class Candidate:
    """A voice that may speak, as a rung of the ladder."""

    voice: Voice
    link: WyomingWorkerLink

    @property
    def name(self) -> str:
        """The voice's, which people know."""
        return self.voice.name

    @property
    def worker(self) -> str:
        """The worker's, which the coordinator knows."""
        return self.link.name

    @property
    def down_since_s(self) -> float | None:
        """Since when nobody is found there."""
        return self.link.down_since_s

    async def open(self) -> WorkerConnection:
        """Connect; raises WorkerUnavailable."""
        return await self.link.open()

    async def wait_idle(self) -> None:
        """Return when it computes nothing more for us."""
        await self.link.wait_idle()


Speaking = Use[Candidate, WorkerConnection]


class PieceMaker:
    """Opens workers and has them speak."""

    def __init__(self, links: Mapping[str, WyomingWorkerLink], access: WorkerAccess, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._links = links
        self._access = access

    def candidates(self, voices: Sequence[Voice]) -> list[Candidate]:
        """Return the voices as rungs, in their order."""
        return [Candidate(voice, self._links[voice.worker]) for voice in voices]

    async def open(
        self,
        candidates: Sequence[Candidate],
        urgency: Urgency,
        *,
        patience_s: float = 0.0,
        wait_s: float | None = None,
    ) -> Speaking:
        """Return the best of `candidates` that can be had, connected; raises as `WorkerAccess.open` does."""
        return await self._access.open(
            candidates, Candidate.open, urgency=urgency, patience_s=patience_s, wait_s=wait_s
        )

    async def sound(self, use: Speaking, text: str) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of `text`. Raises WorkerFailed, Busy, or VoiceUnknown where the worker has no such voice."""
        connection, voice = use.opened, use.rung.voice
        converter: PcmConverter | None = None
        await connection.send(
            Synthesize(text=text, voice=SynthesizeVoice(name=voice.worker_name, speaker=voice.speaker))
        )
        while not AudioStop.is_type((event := await connection.receive()).type):
            if AudioChunk.is_type(event.type):
                chunk = connection.parse(AudioChunk, event)
                converter = converter or self._converter(chunk)
                if pcm := converter.convert(chunk.audio):
                    yield pcm
        if converter is not None and (pcm := converter.flush()):
            yield pcm

    def _converter(self, chunk: AudioChunk) -> PcmConverter:
        try:
            return PcmConverter(chunk.rate, chunk.width, chunk.channels, self.rate_hz)
        except BadRequest as error:
            raise WorkerFailed(f"a worker's audio cannot be used: {error.text}") from None
