"""Workers that a check talks to, on real unix sockets: recogniser, cloning voice, speaker encoder."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.tts import Synthesize

from avatar_appliance.client.endpoint import AnyEndpoint, UnixEndpoint
from avatar_appliance.errors import WorkerUnavailable
from avatar_appliance.speakers import EmbedSpeech, SpeechEmbedded
from avatar_appliance.speakers.messages import EMBED_EVENT
from avatar_appliance.voices.voice_index import VoiceIndex
from avatar_appliance.wire import FrameLimits, UnixServer, read_event, write_event

_LIMITS = FrameLimits(header_bytes=2**20, data_bytes=2**20, payload_bytes=2**24)

ONE_MAN = (1.0, *(0.0,) * 255)
ANOTHER = (0.0, 1.0, *(0.0,) * 254)


@dataclass
class ScriptedWorkers:
    """Stands in for coordinator and workers. `asr` and `speaker` say what they are told; the voice is a parrot."""

    folder: Path
    index: Path
    heard: str = "and so my fellow Americans ask not what your country can do for you"
    """What the recogniser hears in recordings; in what the parrot says it hears `parrot_heard`."""
    parrot_heard: str = "good evening the kitchen light is on and the front door is closed"
    voices: list[tuple[float, ...]] = field(default_factory=list)
    """What the speaker encoder answers, in order; afterwards always ONE_MAN."""
    down: set[str] = field(default_factory=set)
    languages: list[str | None] = field(default_factory=list)
    spoken: list[tuple[str, str]] = field(default_factory=list)
    """Voice and text of everything that the parrot was asked for."""
    parrot_may_speak: asyncio.Event = field(default_factory=asyncio.Event)
    parrot_asked: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen meanwhile."""
        self.parrot_may_speak.set()
        serves = {"whisper": self._hear, "parrot": self._speak, "encoder": self._embed}
        async with contextlib.AsyncExitStack() as stack:
            for name, serve in serves.items():
                server = UnixServer(self._socket(name), serve, limits=_LIMITS, max_connections=8)
                await server.start()
                stack.push_async_callback(server.stop)
            yield

    @contextlib.asynccontextmanager
    async def use(self, ladder: Sequence[str]) -> AsyncIterator[tuple[str, AnyEndpoint]]:
        """Give the first worker of the ladder that is not down."""
        for name in ladder:
            if name not in self.down:
                yield name, UnixEndpoint(self._socket(name))
                return
        raise WorkerUnavailable("none of the workers is up")

    def _socket(self, name: str) -> Path:
        return self.folder / f"{name}.sock"

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pcm = b""
        while (event := await read_event(reader, _LIMITS)) is not None:
            if Transcribe.is_type(event.type):
                self.languages.append(Transcribe.from_event(event).language)
            elif AudioChunk.is_type(event.type):
                pcm += AudioChunk.from_event(event).audio
            elif AudioStop.is_type(event.type):
                text = self.parrot_heard if pcm.startswith(_PARROT) else self.heard
                await write_event(writer, Transcript(text=text).event())

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        event = await read_event(reader, _LIMITS)
        assert event is not None
        wish = Synthesize.from_event(event)
        assert wish.voice is not None
        names = {f"clone:{voice.id}:{voice.version}" for voice in VoiceIndex(self.index).voices}
        self.spoken.append((str(wish.voice.name), wish.text))
        self.parrot_asked.set()
        if wish.voice.name not in names:
            await write_event(writer, Error(text="no such voice", code="voice-unknown").event())
            return
        await self.parrot_may_speak.wait()
        await write_event(writer, AudioStart(24_000, 2, 1).event())
        await write_event(writer, AudioChunk(24_000, 2, 1, _PARROT * 4000).event())
        await write_event(writer, AudioStop().event())
        await reader.read()

    async def _embed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (event := await read_event(reader, _LIMITS)) is not None:
            assert event.type == EMBED_EVENT
            wish = EmbedSpeech.from_event(event)
            vector = self.voices.pop(0) if self.voices else ONE_MAN
            answer = SpeechEmbedded(vector=vector, speech_s=min(30.0, wish.duration_s), model="scripted-1")
            await write_event(writer, answer.to_event())


_PARROT = b"\x10\x00\xf0\xff" * 8
