"""Synthetic recordings, and Wyoming servers made of a script."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event, async_write_event
from wyoming.handle import Handled, HandledChunk, NotHandled
from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    Describe,
    HandleModel,
    HandleProgram,
    Info,
    TtsProgram,
    TtsVoice,
)
from wyoming.tts import SynthesizeStopped

from avatar_appliance.bench import Endpoints
from avatar_appliance.bench.recordings import Recording
from avatar_appliance.client import Endpoint, WavAudio, write_wav
from avatar_appliance.config import Settings

RATE_HZ = 16_000
NOBODY = Attribution(name="test", url="")


def tone(seconds: float, level: float = 0.5, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A 440 Hz sine, range -1..1."""
    return level * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate_hz)) / rate_hz)


def pcm16(samples: np.ndarray) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()


def wav(*parts: np.ndarray) -> WavAudio:
    return WavAudio(RATE_HZ, 2, 1, pcm16(np.concatenate(parts)))


@pytest.fixture
def recording() -> Recording:
    """60 ms of tone and 20 ms of nothing."""
    audio = wav(tone(0.06), np.zeros(320))
    return Recording("tone", audio, last_loud_s=0.05, sha256="0" * 64, language="en", reference="turn on the light")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one owner's recording with its reference beside it."""
    folder = tmp_path / "speech"
    folder.mkdir()
    write_wav(folder / "turn-on-the-light.wav", wav(tone(0.06), np.zeros(320)))
    (folder / "turn-on-the-light.txt").write_text("Turn on the light.\n", encoding="utf-8")
    return folder


class Script:
    """What a stub server offers and does; counts its connections that carried a request."""

    def __init__(self, info: Info, answer: Callable[[Script, list[Event]], Awaitable[list[Event]] | None]) -> None:
        self.info = info
        self.answer = answer
        self.requests = 0
        self.connections = 0
        self.busy = 0
        self.most_busy = 0
        self.error: str | None = None
        """Code of the error that every request gets."""
        self.hang_up = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        seen: list[Event] = []
        with contextlib.suppress(ConnectionError):
            while (event := await async_read_event(reader)) is not None:
                if Describe.is_type(event.type):
                    await async_write_event(self.info.event(), writer)
                    continue
                seen.append(event)
                answers = self.answer(self, seen)
                if answers is None:
                    continue
                self.requests += 1
                self.busy += 1
                self.most_busy = max(self.most_busy, self.busy)
                try:
                    if self.hang_up:
                        break
                    for reply in [Error("no", self.error).event()] if self.error else await answers:
                        await async_write_event(reply, writer)
                finally:
                    self.busy -= 1
                    if asyncio.iscoroutine(answers):
                        answers.close()
                seen = []
        writer.close()


async def _events(*events: Eventable) -> list[Event]:
    return [event.event() for event in events]


def asr_script(text: str = "turn on the light", *, external_vad: bool = False, at_once: bool = False) -> Script:
    """Answers at `audio-stop`, or with `at_once` at the first piece of audio: a server that cuts people short."""

    def answer(script: Script, seen: list[Event]) -> Awaitable[list[Event]] | None:
        wanted = "audio-chunk" if at_once else "audio-stop"
        return _events(Transcript(text=text, language="en")) if seen[-1].type == wanted else None

    model = AsrModel("model-a", NOBODY, True, None, None, languages=["en"])
    program = AsrProgram("asr", NOBODY, True, None, "1.0", models=[model], requires_external_vad=external_vad)
    return Script(Info(asr=[program]), answer)


def handle_script(text: str = "The light is on.", *, handled: bool = True) -> Script:
    def answer(script: Script, seen: list[Event]) -> Awaitable[list[Event]] | None:
        if not handled:
            return _events(NotHandled(text=text))
        return _events(HandledChunk(text=text), Handled(text=text))

    model = HandleModel("model-b", NOBODY, True, None, None, languages=["en"])
    return Script(Info(handle=[HandleProgram("chat", NOBODY, True, None, "1.0", models=[model])]), answer)


def tts_script(audio: bytes = b"\0\0" * 2205) -> Script:
    def answer(script: Script, seen: list[Event]) -> Awaitable[list[Event]] | None:
        if seen[-1].type != "synthesize-stop":
            return None
        chunks = [AudioChunk(22050, 2, 1, audio)] if audio else []
        return _events(AudioStart(22050, 2, 1), *chunks, AudioStop(), SynthesizeStopped())

    voice = TtsVoice("voice-a", NOBODY, True, None, None, languages=["en"])
    return Script(Info(tts=[TtsProgram("tts", NOBODY, True, None, "1.0", voices=[voice])]), answer)


Serve = Callable[[Script], Awaitable[Endpoint]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """Return a function that serves a script on a free port."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(script: Script) -> Endpoint:
            server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
            stack.callback(server.close)
            return Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])

        yield start


class Stubs:
    """Three servers and what they are made of."""

    def __init__(self, asr: Script, handle: Script, tts: Script) -> None:
        self.asr, self.handle, self.tts = asr, handle, tts

    async def start(self, serve: Serve) -> Endpoints:
        return Endpoints(asr=await serve(self.asr), tts=await serve(self.tts), conversation=await serve(self.handle))


@pytest.fixture
def stubs() -> Stubs:
    return Stubs(asr_script(), handle_script(), tts_script())


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with a Piper voice of no content."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "en_US-joe-medium.onnx").touch()
    (folder / "en_US-joe-medium.onnx.json").write_text('{"audio": {"sample_rate": 22050, "quality": "medium"}}')
    return folder


@pytest.fixture
def settings(models: Path, tmp_path: Path) -> Settings:
    """The embedded configuration, its models given as paths."""
    whisper = tmp_path / "whisper-base"
    whisper.mkdir()
    workers = {
        "whisper-base": {"engine": "faster-whisper", "model": str(whisper)},
        "piper": {"engine": "piper", "voices": [str(models / "en_US-joe-medium.onnx")]},
        "chat": {"engine": "llama-cpp"},
    }
    return Settings.from_sources({"workers": workers, "tts": {"workers": ["piper"]}}, {})
