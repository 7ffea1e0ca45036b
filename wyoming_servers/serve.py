"""Run one Wyoming server of the data plane in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Literal, assert_never

from avatar_appliance.config import Settings
from avatar_appliance.errors import AvatarError, ConfigError
from avatar_appliance.heap import keep_heap_small
from avatar_appliance.leases.client import LeaseClient
from avatar_appliance.notify import notify
from avatar_appliance.turns.report import ReportedKind
from avatar_appliance.watchdog import feed_watchdog

from .backends.offers import Offers
from .backends.watch import WorkerWatch
from .backends.worker_access import WorkerAccess
from .backends.wyoming_worker import WyomingWorkerLink
from .base import Handler, Request, WyomingServer
from .base.self_check import describe_ourselves
from .report import Reporter, StageRecorder

if TYPE_CHECKING:
    from .backends.chat_model import ChatModel
    from .conversation.agent import Agent
    from .conversation.house_tools import HouseMind

_LOGGER = logging.getLogger(__name__)

ServerRole = Literal["asr", "tts", "conversation"]
SERVER_ROLES: tuple[ServerRole, ...] = ("asr", "tts", "conversation")
FLUSH_S = 2.0
KEEP_WARM_INTERVAL_S = 2.0
TITLES: dict[ServerRole, str] = {
    "asr": "Speech-to-Text",
    "tts": "Text-to-Speech",
    "conversation": "Conversation",
}


def run_server(role: ServerRole, settings: Settings) -> None:
    """Serve `role` until SIGTERM or SIGINT; raises ConfigError when the port is taken."""
    keep_heap_small()
    asyncio.run(_run(role, settings))


async def _run(role: ServerRole, settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    reporter = Reporter(settings.paths.runtime_dir)
    leases = LeaseClient(settings.paths.runtime_dir, role)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(_running(leases.run()))
        access = WorkerAccess(leases, wait_s=settings.coordinator.lease_wait_s, warm=_wanted_next(role, settings))
        stack.push_async_callback(access.aclose)
        handler = await stack.enter_async_context(_handler(role, settings, reporter, access))
        reporting = asyncio.create_task(reporter.run(), name="reporter")
        stack.push_async_callback(_end, reporting)
        server = WyomingServer(handler, settings.limits)
        port = getattr(settings, role).port
        try:
            await server.listen_tcp(settings.host, port)
        except OSError as error:
            raise ConfigError(
                f"{role}: cannot listen on {settings.host} port {port}: {error.strerror}",
                hint=f"Another program has it (`ss -ltnp 'sport = :{port}'`), or set {role}.port in config.yaml.",
            ) from None
        notify(READY="1", STATUS=f"listening on {settings.host} port {port}")
        _LOGGER.info("listening on %s port %d", settings.host, port)
        async with _running(feed_watchdog(lambda: describe_ourselves(settings.host, port))):
            await stopping.wait()
        notify(STOPPING="1")
        await server.stop()
        await reporter.flush(FLUSH_S)


def _wanted_next(role: ServerRole, settings: Settings) -> tuple[str, ...]:
    """Return the workers that a turn needs after this server's: they may load while the person still speaks."""
    return (settings.conversation.workers[0], settings.tts.workers[0]) if role == "asr" else ()


@contextlib.asynccontextmanager
async def _handler(
    role: ServerRole, settings: Settings, reporter: Reporter, access: WorkerAccess
) -> AsyncIterator[Handler]:
    name = f"{settings.house.name} {TITLES[role]}"
    languages = settings.house.languages
    match role:
        case "asr":
            from .asr.handler import AsrHandler
            from .asr.house_names import following
            from .asr.offer import AsrOffer
            from .echo.guard import SpeechEchoGuard
            from .own_voice.folder import own_voice_folder, own_voice_languages
            from .own_voice.keeper import keeping_utterances
            from .speaker.identifier import identifying

            links = _links(settings, settings.asr.workers)
            watch = WorkerWatch(links, Offers(settings.paths.cache_dir))
            offer = AsrOffer(name, languages, watch, endpointing=settings.asr.endpointing == "server")
            speakers = _links(settings, settings.speaker.workers)
            folder, keep_s = own_voice_folder(settings.paths.runtime_dir), settings.own_voice.keep_s
            async with (
                _running(watch.run()),
                following(settings.home_assistant, settings.asr.house_names) as names,
                identifying(settings.speaker, speakers, access, settings.paths.state_dir) as identifier,
                keeping_utterances(folder, own_voice_languages(settings), keep_s) as keeper,
            ):
                recorder = _by_request("transcribe", settings, reporter)
                guard = SpeechEchoGuard(settings.asr.echo_guard, settings.paths.runtime_dir, identifier.is_same_person)
                yield AsrHandler(
                    settings.asr, settings.limits, offer, links, access, recorder, names, identifier, keeper, guard
                )
        case "tts":
            from avatar_appliance.pronunciations import PronunciationFile, pronunciations_path
            from avatar_appliance.voices.voice_index import VoiceIndex, voice_index_path

            from .backends.introductions import Introductions
            from .echo.box_voices import cloning_workers, learning_voices
            from .echo.said_memory import SaidMemory
            from .own_voice.folder import own_voice_folder, own_voice_index, own_voice_languages
            from .own_voice.utterances import Utterances
            from .tts.asker_voice import AskerVoice
            from .tts.handler import TtsHandler
            from .tts.household_words import HouseholdWords
            from .tts.profile_voices import ProfileVoices
            from .tts.speech_socket import speech_socket
            from .tts.speech_tools import SpeechTools
            from .tts.voices import VoiceBook

            links = _links(settings, settings.tts.workers)
            watch = WorkerWatch(links, Offers(settings.paths.cache_dir))
            index = VoiceIndex(voice_index_path(settings.paths.state_dir))
            profiles = ProfileVoices.of(index, settings.tts.workers, settings.workers, languages)
            runtime_dir = settings.paths.runtime_dir
            asker = AskerVoice.of(
                Utterances(own_voice_folder(runtime_dir)),
                ProfileVoices.of(own_voice_index(runtime_dir), settings.tts.workers, settings.workers, languages),
                own_voice_languages(settings),
                settings.own_voice.keep_s,
            )
            if settings.own_voice.enabled and asker is None:
                _LOGGER.warning("own_voice: no worker of tts.workers clones voices, so nobody is answered in their own")
            book = VoiceBook(name, languages, watch, settings.tts.default_voice, profiles, asker)
            words = PronunciationFile(pronunciations_path(settings.paths.state_dir))
            by_name = {link.name: link for link in links}
            current, speakers = HouseholdWords(words).current, _links(settings, settings.speaker.workers)
            async with learning_voices(speakers, access, cloning_workers(settings)) as voices:
                said = SaidMemory(settings.asr.echo_guard, voices)
                tools = SpeechTools.of(settings.tts, settings.limits, book, by_name, access, current, said)
                async with (
                    _running(watch.run()),
                    _running(Introductions(watch, access).run()),
                    speech_socket(settings.paths.runtime_dir, tools, settings.tts.speech),
                ):
                    recorder = _by_request("speak", settings, reporter)
                    yield TtsHandler(settings.tts, settings.limits, tools, access, recorder)
        case "conversation":
            async with _conversation(name, settings, reporter, access) as conversation:
                yield conversation
        case _:
            assert_never(role)


@contextlib.asynccontextmanager
async def _conversation(
    name: str, settings: Settings, reporter: Reporter, access: WorkerAccess
) -> AsyncIterator[Handler]:
    from avatar_appliance.facts.client import FactsClient

    from .ahead import HandOver
    from .backends.chat_model import ChatModel
    from .conversation.agent import Agent
    from .conversation.handler import ConversationHandler
    from .conversation.memory import ConversationMemory
    from .own_voice.folder import own_voice_folder, own_voice_languages
    from .own_voice.questions import AskedQuestions
    from .own_voice.utterances import Utterances

    wishes = settings.conversation
    languages = settings.house.languages
    async with contextlib.AsyncExitStack() as stack:
        models = [ChatModel(w, settings.workers[w], settings.paths.runtime_dir) for w in wishes.workers]
        for model in models:
            stack.push_async_callback(model.aclose)
        memory = ConversationMemory(
            turns=wishes.history_turns,
            ttl_s=wishes.history_ttl_s,
            conversations=wishes.max_conversations,
            clock=time.monotonic,
            extra_aside=wishes.history_turns // 3 if wishes.summarise else 0,
        )
        house = await stack.enter_async_context(_house(settings, any(m.takes_tools for m in models)))
        facts = FactsClient(settings.paths.runtime_dir)
        agent = Agent(wishes, models, access, memory, settings.house.name, house, facts=facts)
        stack.push_async_callback(agent.aclose)
        if own_voice_languages(settings):
            agent.asked = AskedQuestions(Utterances(own_voice_folder(settings.paths.runtime_dir)))
        if settings.tts.speech.ahead_of_time:
            agent.hand_over = HandOver(settings.paths.runtime_dir)
            await stack.enter_async_context(_running(agent.hand_over.run()))
        await stack.enter_async_context(_running(_keep_warm(agent, models[0], languages)))
        if wishes.openai_port is not None:
            from .openai_door import Door  # loads a web framework

            door = Door(settings, agent, _recorder("think", settings, reporter))
            await stack.enter_async_context(door.open(wishes.openai_port))
        recorder = _by_request("think", settings, reporter)
        yield ConversationHandler(name, languages, agent, settings.limits, recorder)


@contextlib.asynccontextmanager
async def _house(settings: Settings, model_acts: bool) -> AsyncIterator[HouseMind | None]:
    """Give what the conversation controls; None (and nothing loaded) where no house is configured."""
    if not settings.home_assistant.is_configured:
        yield None
        return
    from .conversation.house_control import HouseControl

    control = HouseControl.from_settings(settings.home_assistant, settings.house.languages, model_acts=model_acts)
    await control.start()
    try:
        yield control
    finally:
        await control.close()


async def _keep_warm(agent: Agent, model: ChatModel, languages: list[str]) -> None:
    """Warm the first model up each time it comes (back) to life, and for each new prompt: a cold one costs seconds."""
    warm_for: tuple[object] | None = None
    while True:
        try:
            await model.probe()
            version = agent.prompt_version
            if warm_for is None or warm_for[0] is not version:
                await agent.warm_up(languages)
                _LOGGER.info("the language model is warm")
            warm_for = (version,)
        except AvatarError:
            warm_for = None
        await asyncio.sleep(KEEP_WARM_INTERVAL_S)


def _links(settings: Settings, workers: list[str]) -> list[WyomingWorkerLink]:
    return [WyomingWorkerLink(name, settings.workers[name], settings.paths.runtime_dir) for name in workers]


def _recorder(kind: ReportedKind, settings: Settings, reporter: Reporter) -> Callable[[str], StageRecorder]:
    """Return what makes the recorder of one stage, given the identity of its connection."""
    # Connection numbers start anew with each process; the joiner must not mix up two lives of a server.
    life = f"{os.getpid()}-{int(time.time())}"

    def make(connection: str) -> StageRecorder:
        return StageRecorder(reporter, kind, f"{kind}-{life}-{connection}", keep_audio=settings.store.audio)

    return make


def _by_request(kind: ReportedKind, settings: Settings, reporter: Reporter) -> Callable[[Request], StageRecorder]:
    make = _recorder(kind, settings, reporter)
    return lambda request: make(request.connection)


@contextlib.asynccontextmanager
async def _running(coroutine: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        await _end(task)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
