"""The stock servers, wyoming-faster-whisper and wyoming-piper, on the same model files."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from wyoming.info import Info

from avatar_appliance.client import Endpoint, describe

from .arm import RunningArm
from .child import Child, clean_environment, free_port, running
from .errors import PeerMissing
from .offers import client_ends_speech, programs_of
from .report import ArmFacts
from .subject import PiperSubject, Subject, WhisperSubject
from .versions import versions_at, versions_here

ASR_MODULE, TTS_MODULE = "wyoming_faster_whisper", "wyoming_piper"
MEANING = "the stock servers (wyoming-faster-whisper, wyoming-piper) on the same model files"


@dataclass(frozen=True, slots=True)
class PeerPrograms:
    """How to run each stock server that is needed, and the versions beside them."""

    asr: tuple[str, ...] | None
    tts: tuple[str, ...] | None
    packages: dict[str, str]


async def find_peers(subject: Subject, python: Path | None) -> PeerPrograms:
    """Find the stock servers: in `python`'s packages, else in our own, else on PATH.

    Raises PeerMissing, naming the one that is not there.
    """
    packages = await versions_at(python) if python is not None else versions_here()
    return PeerPrograms(
        asr=_program(ASR_MODULE, python, packages) if subject.whisper else None,
        tts=_program(TTS_MODULE, python, packages) if subject.piper else None,
        packages=packages,
    )


def _program(module: str, python: Path | None, packages: dict[str, str]) -> tuple[str, ...]:
    package = module.replace("_", "-")
    if python is not None:
        if package not in packages:
            raise PeerMissing(f"{package} is not installed for {python}")
        return (str(python.absolute()), "-m", module)
    if importlib.util.find_spec(module) is not None:
        return (sys.executable, "-m", module)
    found = shutil.which(package)
    if found is None:
        raise PeerMissing(f"{package} is not installed")
    return (found,)


def asr_command(program: tuple[str, ...], whisper: WhisperSubject, port: int, folder: Path) -> list[str]:
    """Return how to start wyoming-faster-whisper with the worker's model, device, threads and beams."""
    chosen = whisper.settings
    return [
        *program,
        "--uri", f"tcp://127.0.0.1:{port}",
        "--stt-library", "faster-whisper",
        "--model", str(whisper.model),
        "--data-dir", str(folder),
        "--device", chosen.device,
        "--compute-type", chosen.compute_type,
        "--cpu-threads", str(chosen.threads),
        "--beam-size", str(chosen.beam_size),
        "--local-files-only",
    ]  # fmt: skip


def tts_command(program: tuple[str, ...], piper: PiperSubject, port: int, folder: Path) -> list[str]:
    """Return how to start wyoming-piper with the worker's voice."""
    chosen = piper.settings
    scale = [] if chosen.length_scale is None else ["--length-scale", str(chosen.length_scale)]
    return [
        *program,
        "--uri", f"tcp://127.0.0.1:{port}",
        "--voice", piper.voice,
        "--data-dir", str(piper.model.parent),
        "--download-dir", str(folder),
        "--sentence-silence", str(chosen.sentence_silence_s),
        "--local-files-only",
        *scale,
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def stock_servers(peers: PeerPrograms, subject: Subject, parent: Path) -> AsyncIterator[RunningArm]:
    """Start them in a folder below `parent` and wait until they are ready; raises ServerDidNotStart."""
    folder = parent / "peer"
    folder.mkdir(mode=0o700)
    environment = {k: v for k, v in clean_environment().items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    asr = Endpoint("127.0.0.1", free_port()) if subject.whisper else None
    tts = Endpoint("127.0.0.1", free_port()) if subject.piper else None
    asr_info, tts_info = Info(), Info()
    used: dict[str, str | int | float | None] = {}
    async with contextlib.AsyncExitStack() as stack:
        if subject.whisper is not None and peers.asr is not None and asr is not None:
            command = asr_command(peers.asr, subject.whisper, asr.port, folder)
            env = environment | subject.whisper.settings.env
            child = await stack.enter_async_context(running("wyoming-faster-whisper", command, env, folder))
            asr_info = await _ready(child, asr, subject.whisper.settings.start_timeout_s)
            used |= subject.whisper.facts(same_settings=True) | {"asr_endpointing": "client"}
        if subject.piper is not None and peers.tts is not None and tts is not None:
            command = tts_command(peers.tts, subject.piper, tts.port, folder)
            env = environment | subject.piper.settings.env
            child = await stack.enter_async_context(running("wyoming-piper", command, env, folder))
            tts_info = await _ready(child, tts, subject.piper.settings.start_timeout_s)
            used |= {"tts_voice": subject.piper.voice, "tts_rate_hz": subject.piper.rate_hz}
        voice = subject.piper.voice if subject.piper else None
        yield RunningArm(
            facts=ArmFacts(
                name="peer",
                meaning=MEANING,
                programs=(*programs_of("asr", asr_info), *programs_of("tts", tts_info, only=voice)),
                settings=used,
                packages=peers.packages,
            ),
            asr=asr,
            tts=tts,
            voice=voice,
            client_ends=client_ends_speech(asr_info),
        )


async def _ready(child: Child, endpoint: Endpoint, timeout_s: float) -> Info:
    """Return the offer once the server listens, which a stock server does when its model is loaded."""

    async def answers() -> bool:
        await describe(endpoint)
        return True

    await child.wait_ready(answers, timeout_s)
    return await describe(endpoint)
