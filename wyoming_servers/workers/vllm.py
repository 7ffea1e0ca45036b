"""Chat model by vLLM: its own server as a child of this process, in the environment of its engine.

This process is ours, small and without torch. It starts `vllm serve` on the worker's unix socket, tells the process
manager how far the start is, waits until `/health` answers, passes SIGTERM on, and says afterwards what went wrong.
vLLM stays in our process group, so that nothing of it outlives us.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable
from pathlib import Path

import httpx

from avatar_appliance.config.gpu_workers import VllmWorker
from avatar_appliance.errors import ConfigError, OutOfMemory, WorkerFailed
from avatar_appliance.processes.parent_death import die_with_parent

from .cuda_device import gpu_total_bytes, visible_gpu
from .vllm_command import vllm_command, vllm_program
from .vllm_log import LineSplitter, VllmLog

_LOGGER = logging.getLogger(__name__)

_HEALTH_INTERVAL_S = 0.2
_HEALTH_TIMEOUT_S = 5.0
# A memory that was short long before the end was not what ended it: a wake that found no room can be tried again.
_OUT_OF_MEMORY_BLAMED_S = 30.0
_USAGE_ERROR = 2  # argparse
# Where the one who starts us did not say otherwise (avatar_appliance/engines/launch.py says more).
_DEFAULTS = {
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    # FlashInfer's sampler would be compiled with nvcc, which these machines do not have.
    "VLLM_USE_FLASHINFER_SAMPLER": "0",
}
_LAST_WORDS_S = 2.0


def serve_vllm(
    settings: VllmWorker,
    model: Path,
    socket: Path,
    cache_dir: Path,
    *,
    status: Callable[[str], object],
    ready: Callable[[], None],
) -> None:
    """Serve on `socket` until SIGTERM or SIGINT; `status` gets what it is doing, `ready` is called once it answers.

    Raises ConfigError when it can never run like this (EngineMissing when it is not installed), OutOfMemory when its
    GPU was too full, and WorkerFailed when it ended by itself for any other reason.
    """
    program = vllm_program(settings, cache_dir)
    command = vllm_command(program, settings, model, socket, gpu_total_bytes=gpu_total_bytes(settings.device))
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)  # vLLM binds before it loads, and a file of an earlier life would be in its way
    try:
        asyncio.run(_Life(command, settings, socket, status, ready).run())
    finally:
        socket.unlink(missing_ok=True)


class _Life:
    def __init__(
        self,
        command: list[str],
        settings: VllmWorker,
        socket: Path,
        status: Callable[[str], object],
        ready: Callable[[], None],
    ) -> None:
        self._command = command
        self._settings = settings
        self._socket = socket
        self._tell = status
        self._ready = ready
        self._log = VllmLog()
        self._stop_asked = False

    async def run(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=_environment(self._command[0], self._settings),
            umask=0o077,  # its socket has no password: only this user may open it
            preexec_fn=functools.partial(die_with_parent, os.getpid()),
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, process)
        reading = asyncio.create_task(self._read(process))
        waiting = asyncio.create_task(self._until_healthy())
        try:
            exit_code = await process.wait()
            # Its last words are the ones that matter; an orphan of it may hold the pipe open.
            await asyncio.wait({reading}, timeout=_LAST_WORDS_S)
        finally:
            waiting.cancel()
            reading.cancel()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        if not self._stop_asked:
            raise self._failure(exit_code)

    def _stop(self, process: Process) -> None:
        self._stop_asked = True
        with contextlib.suppress(ProcessLookupError):
            process.terminate()

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None
        splitter = LineSplitter()
        while data := await process.stdout.read(64 * 1024):
            for line in splitter.feed(data):
                before = self._log.status
                level, text = self._log.read(line, time.monotonic())
                _LOGGER.log(level, "%s", text)
                if self._log.status != before and not self._log.serving:
                    self._tell(self._log.status)

    async def _until_healthy(self) -> None:
        # No TLS on a unix socket: reading the certificate store would cost a tenth of a second.
        transport = httpx.AsyncHTTPTransport(uds=str(self._socket), verify=False)
        async with httpx.AsyncClient(
            base_url="http://worker", transport=transport, timeout=_HEALTH_TIMEOUT_S, trust_env=False
        ) as client:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get("/health")).status_code == httpx.codes.OK:
                        break
                await asyncio.sleep(_HEALTH_INTERVAL_S)
        self._log.serving = True
        self._ready()

    def _failure(self, exit_code: int) -> ConfigError | OutOfMemory | WorkerFailed:
        ending = f"exit code {exit_code}" if exit_code >= 0 else signal.Signals(-exit_code).name
        short_at_s = self._log.out_of_memory_at_s
        if short_at_s is not None and (
            not self._log.serving or time.monotonic() - short_at_s <= _OUT_OF_MEMORY_BLAMED_S
        ):
            return OutOfMemory(f"vLLM ran out of GPU memory ({ending})")
        if self._log.serving:
            return WorkerFailed(f"vLLM ended by itself ({ending})")
        cause = f": {self._log.last_error}" if self._log.last_error else ""
        if exit_code == _USAGE_ERROR:
            return ConfigError(f"vLLM does not accept its arguments{cause}", hint="See extra_args in config.yaml.")
        return WorkerFailed(f"vLLM did not start ({ending}){cause}")


def _environment(program: str, settings: VllmWorker) -> dict[str, str]:
    environment = dict(os.environ)
    # What it compiles with (ninja) is beside it.
    environment["PATH"] = f"{Path(program).parent}:{environment.get('PATH', os.defpath)}"
    environment["CUDA_VISIBLE_DEVICES"] = visible_gpu(settings.device)
    environment["PYTHONUNBUFFERED"] = environment["NO_COLOR"] = "1"
    if settings.sleep_level:  # /sleep and /wake_up; on a socket that only this user can open
        environment["VLLM_SERVER_DEV_MODE"] = "1"
    for name, value in _DEFAULTS.items():
        environment.setdefault(name, value)
    return environment
