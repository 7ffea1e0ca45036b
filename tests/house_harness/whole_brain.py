"""The whole brain in the test house: the conversation server as its own process, and a model behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import tempfile
import time
import uuid
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from wyoming.asr import Transcript
from wyoming.handle import Handled, HandledChunk, NotHandled

from avatar_appliance.client import Endpoint
from avatar_appliance.config.workers import socket_path
from avatar_appliance.errors import AvatarError

from .fake_home_assistant import TOKEN, FakeHomeAssistant
from .fast_answers import Examined
from .house_state import HouseState
from .questions import LANGUAGES, Wish, questioned_household
from .verdict import judge

MODEL = "model"
START_S = 300.0
# The server follows the states of the house by a socket of its own: what was put back must have got there.
SETTLE_S = 0.1
# A configuration has ears and a voice.
_NEVER_STARTED = {"ears": {"engine": "fake", "fake_role": "asr"}, "voice": {"engine": "fake", "fake_role": "tts"}}


class WholeBrain:
    """Asks over Wyoming, as Home Assistant does; each wish is a conversation of its own."""

    def __init__(self, home_assistant: FakeHomeAssistant, endpoint: Endpoint, answer_s: float) -> None:
        self._house = home_assistant.house
        self._endpoint = endpoint
        self._answer_s = answer_s

    async def examine(self, wish: Wish) -> Examined:
        """Ask a wish; an answer that does not come in time is an empty one."""
        self._house.reset()
        await asyncio.sleep(SETTLE_S)
        before = self._house.household
        context = {"conversation_id": uuid.uuid4().hex, **({"device_id": wish.device_id} if wish.device_id else {})}
        began = time.perf_counter()
        first_s: float | None = None
        answer, handled = "", False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._answer_s), self._endpoint.connect() as connection:
                await connection.send(Transcript(wish.text, language=wish.language, context=context))
                while True:
                    event = await connection.receive(self._answer_s)
                    if HandledChunk.is_type(event.type):
                        first_s = first_s or time.perf_counter() - began
                    elif Handled.is_type(event.type) or NotHandled.is_type(event.type):
                        answer, handled = event.data.get("text") or "", Handled.is_type(event.type)
                        break
        seconds = time.perf_counter() - began
        verdict = judge(wish, answer, before, self._house.household, self._house.runs)
        return Examined(wish, answer, verdict, seconds, first_s or seconds, handled)


@contextlib.asynccontextmanager
async def whole_brain(
    worker: Mapping[str, Any], *, answer_s: float = 120.0, languages: Sequence[str] = LANGUAGES
) -> AsyncIterator[WholeBrain]:
    """Open the house with one model: a worker section of the configuration, or `engine: openai` for a URL."""
    home_assistant = FakeHomeAssistant(HouseState(questioned_household()))
    await home_assistant.start()
    with tempfile.TemporaryDirectory(prefix="brain") as folder:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        config = Path(folder) / "config.yaml"
        config.write_text(
            yaml.safe_dump(_configuration(Path(folder), port, worker, home_assistant, languages)), "utf-8"
        )
        try:
            async with contextlib.AsyncExitStack() as processes:
                if worker["engine"] != "openai":
                    model = await processes.enter_async_context(_process(config, "worker", MODEL))
                    await _until(socket_path(Path(folder, "run"), MODEL).exists, model)
                server = await processes.enter_async_context(_process(config, "serve", "conversation", listen=True))
                await _told(server, "the language model is warm")
                brain = WholeBrain(home_assistant, Endpoint("127.0.0.1", port), answer_s)
                logging = asyncio.create_task(_told(server, "never said"))
                processes.callback(logging.cancel)
                await _warm(brain, server, languages)
                yield brain
        finally:
            await home_assistant.stop()


def _configuration(
    folder: Path, port: int, worker: Mapping[str, Any], home_assistant: FakeHomeAssistant, languages: Sequence[str]
) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "paths": {"state_dir": str(folder / "state"), "runtime_dir": str(folder / "run")},
        "house": {"languages": list(languages)},
        "home_assistant": {"url": f"http://127.0.0.1:{home_assistant.port}", "token": TOKEN},
        "workers": {MODEL: dict(worker), **_NEVER_STARTED},
        "asr": {"workers": ["ears"]},
        "tts": {"workers": ["voice"]},
        "limits": {"request_timeout_s": START_S},
        "conversation": {"workers": [MODEL], "port": port, "openai_port": None},
    }


@contextlib.asynccontextmanager
async def _process(config: Path, *arguments: str, listen: bool = False) -> AsyncIterator[Process]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AVATAR_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wyoming_servers", "--config", str(config), "--parent", str(os.getpid()), *arguments,
        env=environment, stderr=PIPE if listen else None,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _told(server: Process, wanted: str) -> None:
    """Wait until the server's log says something; what it says goes on to our own."""
    assert server.stderr is not None
    while line := (await server.stderr.readline()).decode():
        if "control plane is away" not in line:  # there is none here
            sys.stderr.write(line)
        if wanted in line:
            return
    raise RuntimeError("the conversation server ended")


async def _warm(brain: WholeBrain, server: Process, languages: Sequence[str]) -> None:
    """Wait until the model has read the house and the tools in both languages: a house in use has done so."""
    for language in languages:
        text = "Hello, how are you?" if language == "en" else "你好嗎？"
        while True:
            _check(server)
            with contextlib.suppress(AvatarError):
                if (await brain.examine(Wish(text, language, "warm-up"))).handled:
                    break
            await asyncio.sleep(1)


async def _until(there: Callable[[], bool], process: Process) -> None:
    async with asyncio.timeout(START_S):
        while not there():
            _check(process)
            await asyncio.sleep(0.1)


def _check(process: Process) -> None:
    if process.returncode is not None:
        raise RuntimeError(f"a process of the house ended with {process.returncode}")
