"""The control plane's side of the studio: one child process at a time, killed at its deadline."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from avatar_appliance.errors import Busy

from .errors import RecordingUnreadable
from .remark import Parameter, Remark
from .remark_texts import CODES
from .studio.bounds import MAX_ANSWER_BYTES, Bounds

_LOGGER = logging.getLogger(__name__)

_MODULE = "avatar_appliance.voices.studio"
_MOST_WAITING = 4
_KEPT_VARIABLES = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
_SEVERITIES = frozenset({"refused", "warning", "note"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What the studio found in a recording; where nothing is refused, the reference lies in the file asked for."""

    measurements: Mapping[str, Parameter]
    remarks: tuple[Remark, ...]

    @property
    def refused(self) -> bool:
        """Whether no voice can be made of it."""
        return any(remark.severity == "refused" for remark in self.remarks)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A transcript in the house's script, and the share of words (characters) that differ, if any was given."""

    heard: str = field(repr=False)
    error_share: float | None = None
    part: str | None = field(default=None, repr=False)
    """The piece of what was given that was heard, where more was given."""
    part_error_share: float | None = None


class Studio:
    """Runs the child process. Whatever happens in it, this process goes on."""

    def __init__(self, *, max_recording_s: float, reference_s: float, bounds: Bounds | None = None) -> None:
        self._max_recording_s = max_recording_s
        self._reference_s = reference_s
        self._bounds = bounds or Bounds()
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0

    async def read(self, recording: BinaryIO, output: Path, reference_s: float | None = None) -> Reading:
        """Judge the recording, an open file, and write the reference to `output`; `reference_s` is its longest length.

        Raises RecordingUnreadable where the child dies of it or does not end, Busy when too many wait already. What may
        lie at `output` then, or where the recording is refused, is worth nothing.
        """
        arguments = ["read", "--output", str(output), "--max-s", str(self._max_recording_s)]
        arguments += ["--reference-s", str(reference_s or self._reference_s)]
        if self._waiting >= _MOST_WAITING:
            raise Busy("several recordings are being looked at", retry_after_s=5.0)
        self._waiting += 1
        try:
            # The child has the file, not what we still hold of it in memory.
            await asyncio.to_thread(_put_on_disk, recording)
            answer = await self._run(arguments, recording, b"")
            return Reading(_measurements(answer), tuple(_remark(item) for item in answer["remarks"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise RecordingUnreadable("the recording could not be read") from None
        finally:
            self._waiting -= 1

    async def compare(self, heard: str, expected: str | None, language: str) -> Comparison:
        """Count what of `expected` was not heard; raises RecordingUnreadable where that cannot be told."""
        texts = json.dumps({"heard": heard, "expected": expected, "language": language}).encode()
        try:
            answer = await self._run(["compare"], asyncio.subprocess.PIPE, texts)
            return Comparison(
                str(answer["heard"]),
                _share(answer, "error_share"),
                answer.get("part"),
                _share(answer, "part_error_share"),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise RecordingUnreadable("the words could not be compared") from None

    async def _run(self, arguments: Sequence[str], stdin: BinaryIO | int, given: bytes) -> Any:
        """Return the child's answer; raises RecordingUnreadable, ValueError for an answer that is no JSON."""
        async with self._one_at_a_time, self._child(arguments, stdin) as child:
            answer = await self._talk(child, given)
        return json.loads(answer)

    async def _talk(self, child: asyncio.subprocess.Process, given: bytes) -> bytes:
        assert child.stdout is not None
        try:
            async with asyncio.timeout(self._bounds.wall_s):
                if child.stdin is not None:
                    with contextlib.suppress(ConnectionError):
                        child.stdin.write(given)
                        await child.stdin.drain()
                    child.stdin.close()
                answer = await child.stdout.read(MAX_ANSWER_BYTES)
                while len(answer) < MAX_ANSWER_BYTES and (more := await child.stdout.read(MAX_ANSWER_BYTES)):
                    answer += more
                code = await child.wait()
        except TimeoutError:
            raise RecordingUnreadable(f"reading took longer than {self._bounds.wall_s:g} s") from None
        if code != 0:
            _LOGGER.warning("the process that reads recordings ended with %s", _ending(code))
            raise RecordingUnreadable(f"the process that read it ended with {_ending(code)}")
        return answer

    @contextlib.asynccontextmanager
    async def _child(
        self, arguments: Sequence[str], stdin: BinaryIO | int
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        bounds = ["--parent", str(os.getpid()), "--memory", str(self._bounds.memory_bytes), "--cpu"]
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", _MODULE, *bounds, str(self._bounds.cpu_s), *arguments),
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # what a library says of a stranger's file is nothing for the log
            cwd="/",
            # One thread each: their stacks count as memory, and the machine has other work.
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
            | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
        try:
            yield child
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.send_signal(signal.SIGKILL)
                await child.wait()


def _put_on_disk(file: BinaryIO) -> None:
    file.fileno()  # makes a spooled file a real one
    file.flush()


def _share(answer: Any, name: str) -> float | None:
    return None if answer.get(name) is None else float(answer[name])


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"


def _measurements(answer: Any) -> dict[str, Parameter]:
    return {str(name): value for name, value in answer["measurements"].items() if isinstance(value, int | float | str)}


def _remark(item: Any) -> Remark:
    if item["code"] not in CODES or item["severity"] not in _SEVERITIES:
        raise ValueError("an unknown remark")
    return Remark(item["code"], item["severity"], dict(item["parameters"]))
