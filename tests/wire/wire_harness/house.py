"""A whole data plane in this process, on scripted workers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Self

import uvicorn

from avatar_appliance.config.settings import AsrSettings, ConversationSettings, LimitsSettings, TtsSettings
from avatar_appliance.config.workers import FakeWorker, WorkerSettings, socket_path
from avatar_appliance.facts.client import FactsClient
from avatar_appliance.leases.client import LeaseClient
from avatar_appliance.turns.report import ReportedKind, StageReport, StageStarted
from wyoming_servers.asr.handler import AsrHandler
from wyoming_servers.asr.house_names import NoNames
from wyoming_servers.asr.offer import AsrOffer
from wyoming_servers.backends.chat_model import ChatModel
from wyoming_servers.backends.offers import Offers
from wyoming_servers.backends.watch import WorkerWatch
from wyoming_servers.backends.worker_access import WorkerAccess
from wyoming_servers.backends.wyoming_worker import WyomingWorkerLink
from wyoming_servers.base import Request
from wyoming_servers.conversation.agent import Agent
from wyoming_servers.conversation.handler import ConversationHandler
from wyoming_servers.conversation.house_tools import HouseMind
from wyoming_servers.conversation.memory import ConversationMemory
from wyoming_servers.echo.guard import EchoGuard, SpeechEchoGuard
from wyoming_servers.echo.said_memory import SaidMemory
from wyoming_servers.own_voice.keeper import UtteranceKeeper
from wyoming_servers.report import Reporter, StageRecorder
from wyoming_servers.speaker.identifier import Identifier
from wyoming_servers.text import PronunciationDictionary
from wyoming_servers.tts.asker_voice import AskerVoice
from wyoming_servers.tts.handler import TtsHandler
from wyoming_servers.tts.profile_voices import ProfileVoices
from wyoming_servers.tts.speech_socket import speech_socket
from wyoming_servers.tts.speech_tools import SpeechTools
from wyoming_servers.tts.voices import VoiceBook
from wyoming_servers.workers.asr_worker import AsrWorkerHandler
from wyoming_servers.workers.engine import EngineThread, SpeakerEncoder, SpeechToText, TextToSpeech
from wyoming_servers.workers.fake_llm import fake_llm_app
from wyoming_servers.workers.speaker_worker import SpeakerWorkerHandler
from wyoming_servers.workers.tts_worker import TtsWorkerHandler

from .coordinator import Coordinator
from .engines import WatchedAsr, WatchedTts, fake
from .servers import Served, Servers
from .waiting import until

LANGUAGES = ("en", "zh-TW")
WARM = ("chat", "piper")


class Reports(Reporter):
    """Keeps what would go to the control plane."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self.started: list[StageStarted] = []
        self.ended: list[StageReport] = []

    def send(self, report: StageStarted | StageReport) -> None:
        # Through the wire form and back: a report that the control plane would refuse fails here.
        if isinstance(report, StageStarted):
            self.started.append(StageStarted.from_event(report.to_event()))
        else:
            self.ended.append(StageReport.from_event(report.to_event()))

    async def one(self) -> StageReport:
        """Return the only report, once it is here."""
        await until(lambda: self.ended)
        assert len(self.ended) == 1
        return self.ended[0]


class Llm:
    """An OpenAI-compatible server on a unix socket."""

    def __init__(self, app: Any, path: Path) -> None:
        config = uvicorn.Config(
            app, uds=str(path), log_level="critical", lifespan="off", timeout_graceful_shutdown=0, ws="none"
        )
        self.server = uvicorn.Server(config)
        self._path = path

    async def start(self) -> None:
        """Listen. (`Server.serve` looks for its end only every 0.1 s, `shutdown` waits as long.)"""
        self.server.config.load()
        self.server.lifespan = self.server.config.lifespan_class(self.server.config)
        await self.server.startup()

    async def stop(self) -> None:
        """End it, breaking what it is in the middle of."""
        if not self._path.exists():
            return
        self._path.unlink()
        for listener in self.server.servers:
            listener.close()
        for connection in list(self.server.server_state.connections):
            connection.transport.abort()
        for task in list(self.server.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server.server_state.tasks, return_exceptions=True)


class House:
    """Starts workers and servers by name; everything ends with the `async with`."""

    def __init__(self, runtime_dir: Path) -> None:
        self.runtime_dir = runtime_dir
        self.reports = Reports()
        self.threads: dict[str, EngineThread] = {}
        self.leases = LeaseClient(runtime_dir, "house")
        """Never connected, unless there is a `coordinator`."""
        self._servers = Servers(runtime_dir)
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._servers)
        return self

    async def __aexit__(self, *_: object) -> None:
        for thread in self.threads.values():
            thread.close()
        await self._stack.aclose()

    async def coordinator(self, *up: str) -> Coordinator:
        """Start a coordinator that grants the workers `up`, and have the servers ask it from now on."""
        coordinator = Coordinator(self.runtime_dir, *up)
        await coordinator.start()
        self._stack.push_async_callback(coordinator.stop)
        self._run(self.leases.run())
        await until(lambda: self.leases.connected)
        return coordinator

    # -- workers ---------------------------------------------------------------------------------------------------

    async def asr_worker(self, name: str, engine: SpeechToText | None = None, **limits: Any) -> Served:
        """Start an ASR worker."""
        settings = LimitsSettings(**limits)
        handler = AsrWorkerHandler(engine or WatchedAsr(), self._thread(name, settings), settings)
        return await self._servers.start(handler, f"worker-{name}", **limits)

    async def tts_worker(
        self,
        name: str,
        engine: TextToSpeech | None = None,
        *,
        has_unlisted: Callable[[str], bool] = lambda _: False,
        **limits: Any,
    ) -> Served:
        """Start a TTS worker."""
        settings = LimitsSettings(**limits)
        handler = TtsWorkerHandler(engine or WatchedTts(), self._thread(name, settings), settings, has_unlisted)
        return await self._servers.start(handler, f"worker-{name}", **limits)

    async def speaker_worker(self, name: str, engine: SpeakerEncoder, **limits: Any) -> Served:
        """Start a speaker worker."""
        settings = LimitsSettings(**limits)
        handler = SpeakerWorkerHandler(engine, self._thread(name, settings), settings)
        return await self._servers.start(handler, f"worker-{name}", **limits)

    async def llm_worker(self, name: str, app: Any = None, **settings: Any) -> Llm:
        """Start a fake LLM, or an app of the test's own."""
        path = socket_path(self.runtime_dir, name)
        llm = Llm(app or fake_llm_app(fake("llm", **settings)), path)
        self._stack.push_async_callback(llm.stop)
        await llm.start()
        return llm

    # -- servers ---------------------------------------------------------------------------------------------------

    async def asr(
        self,
        workers: Sequence[str] = ("whisper",),
        *,
        settings: dict[str, Any] | None = None,
        languages: Sequence[str] = LANGUAGES,
        keep_audio: bool = True,
        names: NoNames | None = None,
        identifier: Identifier | None = None,
        keeper: UtteranceKeeper | None = None,
        echo_guard: EchoGuard | None = None,
        **limits: Any,
    ) -> Served:
        """Start the speech-to-text server."""
        wishes = AsrSettings(workers=list(workers), **(settings or {}))
        links = self.links(workers)
        watch = self.watch(links)
        offer = AsrOffer("House STT", languages, watch, endpointing=wishes.endpointing == "server")
        self._run(watch.run())
        recorder = self._recorder("transcribe", keep_audio)
        guard = echo_guard or SpeechEchoGuard(wishes.echo_guard, self.runtime_dir)
        access, bounds = self.access(warm=WARM), LimitsSettings(**limits)
        handler = AsrHandler(wishes, bounds, offer, links, access, recorder, names, identifier, keeper, guard)
        return await self._servers.start(handler, "asr", **limits)

    async def tts(
        self,
        workers: Sequence[str] = ("piper",),
        *,
        settings: dict[str, Any] | None = None,
        languages: Sequence[str] = LANGUAGES,
        keep_audio: bool = True,
        wait: bool = True,
        profiles: ProfileVoices | None = None,
        asker: AskerVoice | None = None,
        words: Callable[[], PronunciationDictionary] | None = None,
        said: SaidMemory | None = None,
        **limits: Any,
    ) -> Served:
        """Start the text-to-speech server and wait until it knows its workers' voices.

        By itself it keeps no sound and leaves voices as loud as they are: most tests look at what engines are asked.
        """
        speech = {"cache_memory": 0, "loudness_lufs": None}
        wishes = TtsSettings(workers=list(workers), **{"speech": speech, **(settings or {})})
        links = self.links(workers)
        watch = self.watch(links)
        book = VoiceBook("House TTS", languages, watch, wishes.default_voice, profiles, asker)
        self._run(watch.run())
        if wait:
            async with asyncio.timeout(10):
                await watch.wait_until(lambda: watch.all_known)
        by_name = {link.name: link for link in links}
        recorder = self._recorder("speak", keep_audio)
        bounds, access = LimitsSettings(**limits), self.access()
        tools = SpeechTools.of(wishes, bounds, book, by_name, access, words or PronunciationDictionary, said)
        await self._stack.enter_async_context(speech_socket(self.runtime_dir, tools, wishes.speech))
        handler = TtsHandler(wishes, bounds, tools, access, recorder)
        return await self._servers.start(handler, "tts", **limits)

    async def conversation(
        self,
        workers: Sequence[str] = ("chat",),
        *,
        settings: dict[str, Any] | None = None,
        languages: Sequence[str] = LANGUAGES,
        worker_settings: dict[str, WorkerSettings] | None = None,
        mind: HouseMind | None = None,
        remembers_people: bool = False,
        clock: Callable[[], float] = time.monotonic,
        extra_aside: int = 0,
        **limits: Any,
    ) -> Served:
        """Start the conversation server."""
        wishes = ConversationSettings(workers=list(workers), **(settings or {}))
        known = worker_settings or {}
        models = [ChatModel(name, known.get(name, _local()), self.runtime_dir) for name in workers]
        for model in models:
            self._stack.push_async_callback(model.aclose)
        memory = ConversationMemory(
            turns=wishes.history_turns,
            ttl_s=wishes.history_ttl_s,
            conversations=wishes.max_conversations,
            clock=clock,
            extra_aside=extra_aside,
        )
        facts = FactsClient(self.runtime_dir) if remembers_people else None
        agent = Agent(wishes, models, self.access(), memory, "Testhaus", mind, facts=facts)
        self._stack.push_async_callback(agent.aclose)
        recorder = self._recorder("think", keep_audio=False)
        handler = ConversationHandler("House", list(languages), agent, LimitsSettings(**limits), recorder)
        return await self._servers.start(handler, "conversation", **limits)

    # -- parts -----------------------------------------------------------------------------------------------------

    def links(self, workers: Sequence[str]) -> list[WyomingWorkerLink]:
        """Return links to workers of this house."""
        return [WyomingWorkerLink(name, _local(), self.runtime_dir) for name in workers]

    def watch(self, links: Sequence[WyomingWorkerLink]) -> WorkerWatch:
        """Return a watch over workers, which is not running yet."""
        return WorkerWatch(links, Offers(self.runtime_dir / "cache"))

    def access(self, *, warm: Sequence[str] = ()) -> WorkerAccess:
        """Return a server's access to its workers."""
        access = WorkerAccess(self.leases, wait_s=2.0, warm=warm)
        self._stack.push_async_callback(access.aclose)
        return access

    def _thread(self, name: str, limits: LimitsSettings) -> EngineThread:
        thread = EngineThread(max_waiting=limits.worker_queue, wait_s=limits.worker_wait_s)
        if name in self.threads:  # restarted
            self.threads[name].close()
        self.threads[name] = thread
        return thread

    def recorder(self, connection: str) -> StageRecorder:
        """Return what records a thought."""
        return StageRecorder(self.reports, "think", connection, keep_audio=False)

    def _recorder(self, kind: ReportedKind, keep_audio: bool) -> Callable[[Request], StageRecorder]:
        return lambda request: StageRecorder(self.reports, kind, request.connection, keep_audio=keep_audio)

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(end)


def _local() -> FakeWorker:
    return fake("asr")
