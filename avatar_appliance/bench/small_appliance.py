"""A small appliance of our own for a comparison: two servers and two workers, apart from the one that may run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import yaml
from wyoming.info import Info

import avatar_appliance
from avatar_appliance.client import Endpoint, describe
from avatar_appliance.config import Settings
from avatar_appliance.config.workers import socket_path

from .arm import RunningArm
from .child import Child, clean_environment, free_port, running
from .offers import client_ends_speech, programs_of
from .report import Arm, ArmFacts
from .subject import STOCK_WINDOW_S, PiperSubject, Subject, WhisperSubject
from .versions import versions_here

SERVER_TIMEOUT_S = 30.0
_RATES_HZ = (16000, 22050, 24000, 44100, 48000)
# The children run in a folder of their own and must find the package that this process runs.
_PACKAGE_ROOT = str(Path(avatar_appliance.__file__).resolve().parents[1])
_ROLES = ("asr", "tts", "llm")
_MEANINGS: dict[str, str] = {
    "ours": "our servers and workers as the configuration has them",
    "ours-same-settings": "our servers and workers with the stock servers' settings: Whisper's 30 s window, the end of "
    "speech left to the client, the voice's own sample rate",
}


def derived_config(
    settings: Settings, subject: Subject, folder: Path, *, asr_port: int, tts_port: int, same_settings: bool
) -> dict[str, Any]:
    """Return the config.yaml of the small appliance as a tree; sockets and state go below `folder`."""
    # Ladders must not be empty; these workers are named and never started.
    workers: dict[str, Any] = {f"unused-{role}": {"engine": "fake", "fake_role": role} for role in _ROLES}
    asr = settings.asr.model_dump(mode="json") | {"port": asr_port, "workers": ["unused-asr"]}
    tts = settings.tts.model_dump(mode="json") | {"port": tts_port, "workers": ["unused-tts"], "default_voice": None}
    if subject.whisper is not None:
        worker = subject.whisper.settings.model_dump(mode="json")
        workers[subject.whisper.worker] = worker | ({"window_s": STOCK_WINDOW_S} if same_settings else {})
        asr["workers"] = [subject.whisper.worker]
    if subject.piper is not None:
        workers[subject.piper.worker] = subject.piper.settings.model_dump(mode="json")
        tts["workers"] = [subject.piper.worker]
        if same_settings and subject.piper.rate_hz in _RATES_HZ:
            tts["rate_hz"] = subject.piper.rate_hz
    if same_settings:
        asr["endpointing"] = "client"
    return {
        "host": "127.0.0.1",
        "house": settings.house.model_dump(mode="json"),
        "asr": asr,
        "tts": tts,
        "conversation": {"workers": ["unused-llm"], "port": free_port(), "openai_port": None},
        "workers": workers,
        "limits": settings.limits.model_dump(mode="json"),
        "store": settings.store.model_dump(mode="json"),
        "discovery": {"enabled": False},
        "paths": {
            "runtime_dir": str(folder),
            "state_dir": str(folder / "state"),
            "cache_dir": str(settings.paths.cache_dir),
        },
        "log": {"level": "WARNING"},
    }


@contextlib.asynccontextmanager
async def small_appliance(settings: Settings, subject: Subject, parent: Path, arm: Arm) -> AsyncIterator[RunningArm]:
    """Start it in a folder below `parent` and wait until it is ready; raises ServerDidNotStart."""
    same_settings = arm == "ours-same-settings"
    folder = parent / arm
    folder.mkdir(mode=0o700)
    asr, tts = (Endpoint("127.0.0.1", free_port()) for _ in range(2))
    config = derived_config(
        settings, subject, folder, asr_port=asr.port, tts_port=tts.port, same_settings=same_settings
    )
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    async with contextlib.AsyncExitStack() as stack:
        starter = _Starter(stack, folder, file)
        await starter.start_workers([worker for worker in (subject.whisper, subject.piper) if worker is not None])
        asr_info = await starter.start_server("asr", asr) if subject.whisper else Info()
        tts_info = await starter.start_server("tts", tts) if subject.piper else Info()
        used: dict[str, str | int | float | None] = {}
        if subject.whisper is not None:
            used |= subject.whisper.facts(same_settings=same_settings)
            used["asr_endpointing"] = config["asr"]["endpointing"]
        if subject.piper is not None:
            used |= {"tts_voice": subject.piper.voice, "tts_rate_hz": config["tts"]["rate_hz"]}
        voice = subject.piper.voice if subject.piper else None
        yield RunningArm(
            facts=ArmFacts(
                name=arm,
                meaning=_MEANINGS[arm],
                programs=(*programs_of("asr", asr_info), *programs_of("tts", tts_info, only=voice)),
                settings=used,
                packages=versions_here(),
            ),
            asr=asr if subject.whisper else None,
            tts=tts if subject.piper else None,
            voice=voice,
            client_ends=client_ends_speech(asr_info),
        )


@dataclass(frozen=True, slots=True)
class _Starter:
    """Starts processes of one small appliance; they end with `stack`."""

    stack: contextlib.AsyncExitStack
    folder: Path
    config: Path

    async def start_workers(self, workers: list[WhisperSubject | PiperSubject]) -> None:
        """Start the workers side by side, since each loads for seconds, and wait until they are ready."""
        children = [await self._start(w.worker, "worker", w.worker, env=w.settings.env) for w in workers]
        for child, worker in zip(children, workers, strict=True):
            probe = partial(_listens, socket_path(self.folder, worker.worker))
            await child.wait_ready(probe, worker.settings.start_timeout_s)

    async def start_server(self, role: Literal["asr", "tts"], endpoint: Endpoint) -> Info:
        """Start a server whose worker is ready and return its offer."""
        child = await self._start(f"server-{role}", "serve", role)
        await child.wait_ready(partial(_offers, role, endpoint), SERVER_TIMEOUT_S)
        return await describe(endpoint)

    async def _start(self, name: str, *what: str, env: dict[str, str] | None = None) -> Child:
        program = [sys.executable, "-m", "wyoming_servers", "--config", str(self.config), "--parent", str(os.getpid())]
        clean = clean_environment()
        found = {"PYTHONPATH": os.pathsep.join([_PACKAGE_ROOT, *filter(None, [clean.get("PYTHONPATH")])])}
        return await self.stack.enter_async_context(
            running(name, [*program, *what], {**clean, **found, **(env or {})}, self.folder)
        )


async def _listens(socket: Path) -> bool:
    """Return whether a worker listens: it does so once its model is loaded and has run."""
    try:
        _, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    writer.close()
    return True


async def _offers(role: Literal["asr", "tts"], endpoint: Endpoint) -> bool:
    """Return whether a server can be used: a TTS server cannot before it has heard of a voice."""
    info = await describe(endpoint)
    if role == "asr":
        return bool(info.asr)
    return any(voice.installed for program in info.tts for voice in program.voices)
