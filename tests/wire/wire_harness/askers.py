"""A house that answers people in their own voice: all three servers, and a worker that clones utterances."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from wyoming.info import Attribution
from wyoming.tts import SynthesizeVoice

from avatar_appliance.turns.report import StageReport
from avatar_appliance.voices.voice_index import ClonedVoice, voice_index_path
from wyoming_servers.own_voice.folder import own_voice_folder, own_voice_index
from wyoming_servers.own_voice.keeper import UtteranceKeeper
from wyoming_servers.own_voice.questions import AskedQuestions
from wyoming_servers.own_voice.utterances import Utterances
from wyoming_servers.tts.asker_voice import AskerVoice
from wyoming_servers.tts.profile_voices import Cloner, ProfileVoices
from wyoming_servers.workers.cloned_voices import PREFIX, ClonedVoices, HouseholdVoices
from wyoming_servers.workers.engine import AudioPiece, StopFlag

from .conversing import ScriptedLlm
from .engines import WatchedAsr, WatchedTts
from .house import LANGUAGES, House
from .listening import hear
from .servers import Served
from .waiting import until

ASKER = SynthesizeVoice(name="asker")
KEEP_S = 60.0


class CloningEngine(WatchedTts):
    """Speaks with the voices of utterances, through what the real engines keep theirs in."""

    def __init__(self, voices: HouseholdVoices, languages: Sequence[str]) -> None:
        super().__init__()
        self.prepared: list[tuple[ClonedVoice, float]] = []
        """Voices it has learned, and the seconds of sound it learned them from."""
        self.clones: ClonedVoices[str] = ClonedVoices(voices, languages, self._prepare)

    def program(self) -> Any:
        program = super().program()
        program.voices = self.clones.offer(Attribution("", ""))
        return program

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        assert voice.startswith(PREFIX)
        with self.clones.use(voice):
            yield from super().synthesize(text, voice, speaker, stop)

    def _prepare(self, voice: ClonedVoice) -> str:
        with wave.open(str(voice.reference)) as file:
            self.prepared.append((voice, file.getnframes() / file.getframerate()))
        return voice.id

    @property
    def askers(self) -> list[str]:
        """In whose voice each piece was spoken, by what that person had said."""
        words = {f"{PREFIX}{voice.id}:1": voice.transcript for voice, _ in self.prepared}
        return [words[name] for _, name, _ in self.asked]


@dataclass
class AskedHouse:
    """The servers, the engines behind them, and time that the test lets pass."""

    house: House
    asr: Served
    conversation: Served
    tts: Served
    ears: WatchedAsr
    cloner: CloningEngine
    piper: WatchedTts
    keeper: UtteranceKeeper
    seconds: list[float] = field(default_factory=lambda: [0.0])

    async def heard(self, pcm: bytes, text: str) -> str:
        """Say something, and return the transcript."""
        self.ears._transcription["text"] = text
        return (await hear(self.asr.uri, pcm)).text

    async def report(self) -> StageReport:
        """Return the report of what was spoken last, once it is here."""
        spoken = [one for one in self.house.reports.started if one.kind == "speak"]
        await until(lambda: len(self._spoken()) == len(spoken))
        return self._spoken()[-1]

    def _spoken(self) -> list[StageReport]:
        return [one for one in self.house.reports.ended if one.kind == "speak"]


@contextlib.asynccontextmanager
async def asked_house(
    house: House, llm: ScriptedLlm, *, cloner_up: bool = True, languages: Sequence[str] = ("en", "zh"), **tts: Any
) -> AsyncIterator[AskedHouse]:
    """Start everything; what utterances became is deleted at the end, as when the server ends."""
    folder, index = own_voice_folder(house.runtime_dir), own_voice_index(house.runtime_dir)
    seconds = [1000.0]

    def clock() -> float:
        return seconds[0]

    keeper = UtteranceKeeper(folder, languages, KEEP_S, clock=clock)
    keeping = asyncio.create_task(keeper.run())
    await asyncio.sleep(0)
    household = HouseholdVoices(voice_index_path(house.runtime_dir), own_voice_index(house.runtime_dir))
    ears, piper = WatchedAsr(text=""), WatchedTts()
    cloner = CloningEngine(household, languages)
    voices = ProfileVoices(index, [Cloner("f5", "fast", tuple(languages))], LANGUAGES)
    asker = AskerVoice(Utterances(folder), voices, languages, KEEP_S, clock=clock)
    await house.asr_worker("whisper", ears)
    await house.tts_worker("piper", piper)
    unlisted = HouseholdVoices(voice_index_path(house.runtime_dir), own_voice_index(house.runtime_dir))
    if cloner_up:
        await house.tts_worker("f5", cloner, has_unlisted=unlisted.has_passing)
    await house.llm_worker("chat", llm.app)
    conversation = await house.conversation()
    agent = conversation.server.handler._agent  # type: ignore[attr-defined]
    agent.asked = AskedQuestions(Utterances(folder), clock=clock)
    try:
        yield AskedHouse(
            house,
            await house.asr(keeper=keeper),
            conversation,
            await house.tts(["f5", "piper"], wait=cloner_up, asker=asker, **tts),
            ears,
            cloner,
            piper,
            keeper,
            seconds,
        )
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
