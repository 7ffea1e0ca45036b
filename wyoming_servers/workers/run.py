"""Run one worker process: load the engine, then listen. A worker that listens is ready."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, assert_never

from avatar_appliance.config import Settings
from avatar_appliance.config.cloning import CloningWorker
from avatar_appliance.config.gpu_workers import CosyVoiceWorker, F5TtsWorker, VllmWorker
from avatar_appliance.config.pocket_tts import PocketTtsWorker
from avatar_appliance.config.qwen3_tts import Qwen3TtsWorker
from avatar_appliance.config.speaker_worker import ResemblyzerWorker
from avatar_appliance.config.workers import (
    EspeakWorker,
    FakeWorker,
    FasterWhisperWorker,
    LlamaCppWorker,
    LocalWorkerSettings,
    OpenAIWorker,
    PiperWorker,
    WyomingWorker,
    socket_path,
)
from avatar_appliance.errors import ConfigError, OutOfMemory
from avatar_appliance.models import ModelStore, load_catalogue
from avatar_appliance.notify import notify
from avatar_appliance.processes.assignment import read_assignment
from avatar_appliance.voices.voice_index import voice_index_path
from wyoming_servers.base import Handler, WyomingServer
from wyoming_servers.own_voice.folder import own_voice_index

from .cloned_voices import HouseholdVoices
from .engine import EngineThread, SpeakerEncoder, SpeechToText, TextToSpeech
from .memory_failure import is_out_of_memory
from .placement import placed

_LOGGER = logging.getLogger(__name__)


def run_worker(name: str, settings: Settings) -> None:
    """Run the worker `name` in this process until SIGTERM.

    Raises ConfigError when there is no such worker or it runs elsewhere, OutOfMemory when it does not fit where the
    control plane put it; model errors as `ModelStore` has them.
    """
    worker = settings.workers.get(name)
    if worker is None:
        raise ConfigError(f"there is no worker {name!r}", hint=f"Known: {', '.join(settings.workers)}.")
    if isinstance(worker, (WyomingWorker, OpenAIWorker)):
        raise ConfigError(f"worker {name!r} is a server elsewhere and is not started here")
    worker = placed(worker, read_assignment(settings.paths.runtime_dir, name))
    socket = socket_path(settings.paths.runtime_dir, name)
    notify(STATUS="loading")
    if isinstance(worker, LlamaCppWorker):
        from .llama_cpp import serve_llama_cpp

        model = _single_file(_resolve(worker.model, settings))
        serve_llama_cpp(worker, model, worker.model, socket, _announce_ready)
    elif isinstance(worker, VllmWorker):
        from .vllm import serve_vllm

        model, cache_dir = _resolve(worker.model, settings), settings.paths.cache_dir
        serve_vllm(worker, model, socket, cache_dir, status=_announce_status, ready=_announce_ready)
    elif isinstance(worker, FakeWorker) and worker.role == "llm":
        from .fake_life import FakeLife
        from .fake_llm import serve_fake_llm

        serve_fake_llm(worker, FakeLife.from_environment(worker), socket, _announce_ready)
    else:
        asyncio.run(_serve_speech(name, worker, settings, socket))


async def _serve_speech(name: str, worker: LocalWorkerSettings, settings: Settings, socket: Path) -> None:
    limits = settings.limits
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    thread = EngineThread(max_waiting=limits.worker_queue, wait_s=limits.worker_wait_s)
    handler, load = _speech_engine(worker, settings, thread, _limit_bytes(name, settings))
    began = time.monotonic()
    loading = asyncio.create_task(thread.call(lambda _stop: load()))
    stop_wanted = asyncio.create_task(stopping.wait())
    await asyncio.wait({loading, stop_wanted}, return_when=asyncio.FIRST_COMPLETED)
    if not loading.done():
        _end_at_once()  # told to stop in the middle of a load
    try:
        await loading
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"worker {name} ran out of memory while loading ({_first_line(error)})") from error
    # Requests still sending audio are turns too. What bounds the engine is the queue in front of it, and one turn more
    # than fits into that, so that the reason given is `worker-busy`.
    max_turns = max(limits.max_turns, limits.worker_queue + 2)
    server = WyomingServer(handler(), limits.model_copy(update={"max_turns": max_turns}))
    await server.listen_unix(socket)
    _LOGGER.info("ready after %.1f s", time.monotonic() - began)
    _announce_ready()
    await stop_wanted
    notify(STOPPING="1")
    await server.stop()
    if thread.busy:
        _end_at_once()
    thread.close()


def _end_at_once() -> NoReturn:
    """End the process under a running engine call: it cannot be interrupted, and the interpreter would wait for it."""
    logging.shutdown()
    os._exit(0)


def _speech_engine(
    worker: LocalWorkerSettings, settings: Settings, thread: EngineThread, limit_bytes: int | None
) -> tuple[Callable[[], Handler], Callable[[], None]]:
    """Return a maker of the handler (to be called once loaded) and the engine's `load`."""
    from .asr_worker import AsrWorkerHandler
    from .speaker_worker import SpeakerWorkerHandler
    from .tts_worker import TtsWorkerHandler

    limits = settings.limits

    def asr(engine: SpeechToText) -> tuple[Callable[[], Handler], Callable[[], None]]:
        return lambda: AsrWorkerHandler(engine, thread, limits), engine.load

    def tts(engine: TextToSpeech) -> tuple[Callable[[], Handler], Callable[[], None]]:
        if isinstance(worker, CloningWorker):
            has_unlisted = _voice_index(settings).has_passing
            return lambda: TtsWorkerHandler(engine, thread, limits, has_unlisted), engine.load
        return lambda: TtsWorkerHandler(engine, thread, limits), engine.load

    def speaker(engine: SpeakerEncoder) -> tuple[Callable[[], Handler], Callable[[], None]]:
        return lambda: SpeakerWorkerHandler(engine, thread, limits), engine.load

    match worker:
        case FasterWhisperWorker():
            from .faster_whisper import FasterWhisperEngine

            return asr(FasterWhisperEngine(worker, _resolve(worker.model, settings), Path(worker.model).name))
        case PiperWorker():
            from .piper import PiperEngine

            return tts(PiperEngine(worker, [_resolve(voice, settings) for voice in worker.voices]))
        case EspeakWorker():
            from .espeak import EspeakEngine

            return tts(EspeakEngine(worker))
        case FakeWorker():
            from .fake import FakeAsrEngine, FakeSpeakerEngine, FakeTtsEngine
            from .fake_life import FakeLife

            life = FakeLife.from_environment(worker)
            life.defy()
            if worker.role == "speaker":
                return speaker(FakeSpeakerEngine(worker, life))
            return asr(FakeAsrEngine(worker, life)) if worker.role == "asr" else tts(FakeTtsEngine(worker, life))
        case F5TtsWorker():
            from .f5_tts import F5TtsEngine

            folder = None if worker.model is None else _resolve(worker.model, settings)
            return tts(F5TtsEngine(worker, folder, limit_bytes, _voice_index(settings)))
        case CosyVoiceWorker():
            from .cosyvoice import CosyVoiceEngine

            return tts(CosyVoiceEngine(worker, _resolve(worker.model, settings), limit_bytes, _voice_index(settings)))
        case PocketTtsWorker():
            from .pocket_tts import PocketTtsEngine

            folder = None if worker.model is None else _resolve(worker.model, settings)
            return tts(PocketTtsEngine(worker, folder, _voice_index(settings)))
        case Qwen3TtsWorker():
            from .qwen3_tts import Qwen3TtsEngine

            folder = None if worker.model is None else _resolve(worker.model, settings)
            return tts(Qwen3TtsEngine(worker, folder, limit_bytes, _voice_index(settings)))
        case ResemblyzerWorker():
            from .resemblyzer import ResemblyzerEngine

            return speaker(ResemblyzerEngine(_resolve(worker.model, settings)))
        case LlamaCppWorker() | VllmWorker():
            raise ValueError("an LLM is no speech engine")
        case _:
            assert_never(worker)


def _voice_index(settings: Settings) -> HouseholdVoices:
    return HouseholdVoices(voice_index_path(settings.paths.state_dir), own_voice_index(settings.paths.runtime_dir))


def _resolve(model: str, settings: Settings) -> Path:
    """Return where a model is: a path of the owner's, or a model of the catalogue that must have been fetched."""
    path = Path(model).expanduser()
    if path.is_absolute() or model.startswith(("./", "../", "~")):
        if not path.exists():
            raise ConfigError(f"model path {path} does not exist")
        return path
    store, wanted = ModelStore(settings.paths.cache_dir), load_catalogue().get(model)
    store.ensure(wanted)
    return store.entry(wanted)


def _single_file(path: Path) -> Path:
    if path.is_file():
        return path
    files = sorted(path.glob("*.gguf"))
    if not files:
        raise ConfigError(f"no .gguf file in {path}")
    return files[0]  # of a split model llama.cpp wants the first part


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _limit_bytes(name: str, settings: Settings) -> int | None:
    """Return what the worker may hold on its device, None where nobody said."""
    assignment = read_assignment(settings.paths.runtime_dir, name)
    return None if assignment is None else assignment.limit_bytes


def _announce_status(text: str) -> None:
    notify(STATUS=text)


def _announce_ready() -> None:
    notify(READY="1", STATUS="ready")
