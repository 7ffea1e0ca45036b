"""Workers on real sockets that do what a test tells them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal

from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import async_read_event, async_write_event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.tts import Synthesize

from avatar_appliance.canary.listening import CanaryWorker
from avatar_appliance.client.endpoint import UnixEndpoint

Fault = Literal["none", "error", "busy", "hang", "drop", "short"]
_BY = Attribution(name="test", url="")
_RATE_HZ = 16_000


class ScriptedWorker:
    """Speaks a second of silence, or hears `transcript`; `asked` holds the types of the events it got."""

    def __init__(
        self, name: str, languages: Sequence[str] = ("en",), fault: Fault = "none", transcript: str = ""
    ) -> None:
        self.name = name
        self.languages = list(languages)
        self.fault: Fault = fault
        self.transcript = transcript or "What is the capital of France?"
        self.asked: list[str] = []
        self.texts: list[str] = []
        self.began = asyncio.Event()

    @contextlib.asynccontextmanager
    async def serving(self, folder: Path) -> AsyncIterator[CanaryWorker]:
        """Listen where the worker of this name would."""
        path = folder / f"worker-{self.name}.sock"
        server = await asyncio.start_unix_server(self._talk, str(path))
        try:
            yield CanaryWorker(self.name, UnixEndpoint(path))
        finally:
            server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while (event := await async_read_event(reader)) is not None:
                self.asked.append(event.type)
                if Describe.is_type(event.type):
                    await async_write_event(self._info().event(), writer)
                elif Synthesize.is_type(event.type):
                    self.texts.append(Synthesize.from_event(event).text)
                    if not await self._misbehaved(writer):
                        await self._speak(writer)
                elif AudioStop.is_type(event.type) and not await self._misbehaved(writer):
                    await async_write_event(Transcript(text=self.transcript).event(), writer)
        writer.close()

    async def _misbehaved(self, writer: asyncio.StreamWriter) -> bool:
        self.began.set()
        match self.fault:
            case "error" | "busy":
                code = "worker-failed" if self.fault == "error" else "worker-busy"
                await async_write_event(Error(text="scripted", code=code).event(), writer)
            case "drop":
                writer.close()
            case "hang":
                pass
            case _:
                return False
        return True

    async def _speak(self, writer: asyncio.StreamWriter) -> None:
        seconds = 0.1 if self.fault == "short" else 1
        await async_write_event(AudioStart(_RATE_HZ, 2, 1).event(), writer)
        await async_write_event(AudioChunk(_RATE_HZ, 2, 1, bytes(int(_RATE_HZ * 2 * seconds))).event(), writer)
        await async_write_event(AudioStop().event(), writer)

    def _info(self) -> Info:
        model = AsrModel("m", _BY, True, None, None, languages=self.languages)
        voices = [TtsVoice(f"v-{tag}", _BY, True, None, None, languages=[tag]) for tag in self.languages]
        return Info(
            asr=[AsrProgram("p", _BY, True, None, None, models=[model])],
            tts=[TtsProgram("p", _BY, True, None, None, voices=voices)],
        )
