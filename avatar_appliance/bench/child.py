"""Servers started for a comparison: child processes on loopback that end with the run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from avatar_appliance.errors import AvatarError

from .errors import ServerDidNotStart

STOP_TIMEOUT_S = 5.0
PROBE_INTERVAL_S = 0.1
LOG_LINES = 8
# Settings of this process that would reach into the servers under measurement.
_OURS = ("AVATAR_", "WYO_WHISPER_", "WYOMING_PIPER_")
_SERVICE = ("NOTIFY_SOCKET", "JOURNAL_STREAM", "CREDENTIALS_DIRECTORY")


@dataclass(frozen=True, slots=True)
class Child:
    """One running server."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    async def wait_ready(self, probe: Callable[[], Awaitable[bool]], timeout_s: float) -> None:
        """Wait until `probe` is true; an AvatarError means "not yet".

        Raises ServerDidNotStart when the process ends before, or after `timeout_s`.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not await _holds(probe):
                    if self.process.returncode is not None:
                        raise ServerDidNotStart(f"{self.name} ended with code {self.process.returncode}:{self._said()}")
                    await asyncio.sleep(PROBE_INTERVAL_S)
        except TimeoutError:
            raise ServerDidNotStart(f"{self.name} was not ready within {timeout_s:g} s:{self._said()}") from None

    def _said(self) -> str:
        # Nobody has spoken to it yet, so its log holds nothing private.
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        return "".join(f"\n  {line}" for line in lines) or " it said nothing"


@contextlib.asynccontextmanager
async def running(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> AsyncIterator[Child]:
    """Run a program in `folder`, where its log goes too; it is ended with everything it started.

    Raises ServerDidNotStart when the program is not there.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,  # a module lying in the caller's folder must not shadow one of the server's
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            raise ServerDidNotStart(f"{name} cannot be run: {error.strerror or type(error).__name__}") from None
    try:
        yield Child(name, process, log)
    finally:
        await _end(process)


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what configures us or our service; models are never downloaded."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_OURS) and k not in _SERVICE}
    return {**kept, "HF_HUB_OFFLINE": "1"}


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def _holds(probe: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await probe()
    except AvatarError:
        return False


async def _end(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
                return
