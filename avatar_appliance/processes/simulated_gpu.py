"""A GPU that is a folder: for `avatar up --simulate-gpu 24GiB`, and for tests with real processes.

Each process "on the GPU" has a file there, named by its pid:

    {"bytes": 7516192768, "start_ticks": 4711}      it claims so many bytes
    {"rss": true, "start_ticks": 4711}              its resident memory counts

`start_ticks` (field 22 of proc_pid_stat(5)) keeps a pid that is used again from counting; without it the file counts as
long as there is a process of that number, so that `echo '{"bytes": 9000000000}' > FOLDER/$$` makes a shell a game. The
file of a dead process is nothing, and whoever reads the GPU removes it. Beside them are `gpu.json` with the size of the
card and `lock`, under which memory is taken: as on a real card, what is not free is not had.

Light on purpose: worker processes import it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .process_identity import start_ticks
from .process_memory import process_rss_bytes

FOLDER_VARIABLE = "GPU_SIMULATION_DIR"
"""Environment variable that tells worker processes the folder. (Not AVATAR_...: those are configuration.)"""

_CARD = "gpu.json"
_LOCK = "lock"


class SimulatedOutOfMemory(MemoryError):
    """The simulated card has not so much left."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a living process holds on the simulated card."""

    pid: int
    start_ticks: int
    size_bytes: int


class SimulatedCard:
    """The folder, seen from outside: who holds what."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lay(self, total_bytes: int) -> None:
        """Make the folder a card of that size; those who hold memory there keep it. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(self.folder / _CARD, {"total_bytes": total_bytes})

    def total_bytes(self) -> int | None:
        """Return the size of the card, None where nobody has laid it."""
        total = _read(self.folder / _CARD).get("total_bytes")
        return total if isinstance(total, int) else None

    def holdings(self) -> list[Holding]:
        """Return what living processes hold, and remove the files of dead ones; raises OSError without a folder."""
        files = self._files()
        living = [holding for path in files if (holding := _living(path)) is not None]
        if len(living) < len(files):
            self._bury()
        return living

    def _bury(self) -> None:
        with self._locked(wait=False) as locked:  # not while somebody new may be writing under an old number
            for path in self._files() if locked else ():
                # What cannot be read is being written by hand, and goes with its process.
                if start_ticks(int(path.name)) is None or (_read(path) and _living(path) is None):
                    path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def taking(self) -> Iterator[None]:
        """Keep others from taking memory meanwhile."""
        with self._locked(wait=True):
            yield

    @contextlib.contextmanager
    def _locked(self, *, wait: bool) -> Iterator[bool]:
        descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def _files(self) -> list[Path]:
        return [Path(entry.path) for entry in os.scandir(self.folder) if entry.name.isascii() and entry.name.isdigit()]


class SimulatedAllocation:
    """What this process holds on the simulated card; it comes back when the process ends, however it does."""

    def __init__(self, folder: Path) -> None:
        self._card = SimulatedCard(folder)
        self._path = folder / str(os.getpid())

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self | None:
        """Return one in the folder that the environment names; None where no GPU is simulated."""
        folder = environment.get(FOLDER_VARIABLE)
        return cls(Path(folder)) if folder else None

    def hold(self, size_bytes: int) -> None:
        """Hold so many bytes from now on, instead of what was held; raises SimulatedOutOfMemory, OSError."""
        with self._card.taking():
            self._check(size_bytes)
            self._write({"bytes": size_bytes})

    def hold_rss(self, expected_bytes: int = 0) -> None:
        """Count with the resident memory of this process, which is about to grow by `expected_bytes`.

        Raises SimulatedOutOfMemory, OSError.
        """
        with self._card.taking():
            self._check((process_rss_bytes(os.getpid()) or 0) + expected_bytes)
            self._write({"rss": True})

    def release(self) -> None:
        """Hold nothing."""
        self._path.unlink(missing_ok=True)

    def _check(self, size_bytes: int) -> None:
        total_bytes = self._card.total_bytes()
        if total_bytes is None:
            return
        others_bytes = sum(holding.size_bytes for holding in self._card.holdings() if holding.pid != os.getpid())
        if others_bytes + size_bytes > total_bytes:
            free_bytes = max(0, total_bytes - others_bytes)
            raise SimulatedOutOfMemory(f"simulated GPU out of memory: {size_bytes} bytes wanted, {free_bytes} free")

    def _write(self, content: dict[str, int | bool]) -> None:
        _replace(self._path, {**content, "start_ticks": start_ticks(os.getpid())})


def _living(path: Path) -> Holding | None:
    pid = int(path.name)
    started = start_ticks(pid)
    content = _read(path)
    if started is None or content.get("start_ticks", started) != started:
        return None
    size_bytes = process_rss_bytes(pid) if content.get("rss") is True else content.get("bytes")
    return Holding(pid, started, size_bytes) if isinstance(size_bytes, int) and size_bytes >= 0 else None


def _read(path: Path) -> dict[str, object]:
    """Return what the file says, nothing for one that is gone or half written."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _replace(path: Path, content: Mapping[str, object]) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(path)
