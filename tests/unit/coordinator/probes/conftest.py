"""The real nvidia-ml-py on a libnvidia-ml.so.1 of our own; real processes; clocks that tests turn."""

from __future__ import annotations

import _ctypes
import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pynvml
import pytest

SOURCE = Path(__file__).with_name("fake_nvml.c")
LIBRARY = "libnvidia-ml.so.1"
GIB = 2**30


class _Process(ctypes.Structure):
    _fields_ = [
        ("pid", ctypes.c_uint),
        ("used_bytes", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    ]


class _Gpu(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char * 96),
        ("uuid", ctypes.c_char * 96),
        *((name, ctypes.c_uint) for name in ("domain", "bus", "device")),
        *((name, ctypes.c_ulonglong) for name in ("total", "reserved", "used")),
        *((name, ctypes.c_uint) for name in ("compute_count", "graphics_count", "compute_grows")),
        ("compute", _Process * 8),
        ("graphics", _Process * 8),
        *((f"{what}error", ctypes.c_int) for what in ("", "list_", "sensor_", "memory_", "v2_", "handle_")),
        ("temperature", ctypes.c_int),
        *((name, ctypes.c_uint) for name in ("utilization", "mig")),
    ]


class _State(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("init_result", "count", "inits", "initialised")),
        ("gpus", _Gpu * 4),
    ]


class FakeNvml:
    """The scripted library, loaded in place of the driver's."""

    def __init__(self, path: Path) -> None:
        # glibc takes a loaded library of the same SONAME for the one that is asked for by name.
        self._library = ctypes.CDLL(str(path))
        self.state = _State.in_dll(self._library, "fake_nvml")
        self.gpus: Any = self.state.gpus

    def add(self, **fields: Any) -> Any:
        """Plug in a GPU: an RTX 3090 on the next bus, but for `fields`."""
        index = self.state.count
        self.state.count += 1
        values = {
            "name": b"NVIDIA GeForce RTX 3090",
            "uuid": b"GPU-0000000%d-aaaa-bbbb-cccc-1234567890ab" % index,
            "bus": index + 1,
            "total": 24 * GIB,
            "temperature": 47,
            "utilization": 12,
            **fields,
        }
        gpu = self.gpus[index]
        for name, value in values.items():
            setattr(gpu, name, value)
        return gpu

    @staticmethod
    def lists(gpu: Any, which: str, *processes: tuple[int, int | None]) -> None:
        """Have the GPU list these (pid, bytes) under `which` ("compute" or "graphics")."""
        entries = getattr(gpu, which)
        for entry, (pid, used_bytes) in zip(entries, processes, strict=False):
            entry.pid = pid
            entry.used_bytes = 2**64 - 1 if used_bytes is None else used_bytes
        setattr(gpu, f"{which}_count", len(processes))

    def unload(self) -> None:
        """Take the library out of this process and its binding, so that other tests see the machine as it is."""
        pynvml._nvmlGetFunctionPointer_cache.clear()
        for library in (self._library, pynvml.nvmlLib):
            if library is not None:
                _ctypes.dlclose(library._handle)
        pynvml.nvmlLib = None


@pytest.fixture(scope="session")
def compile_nvml(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compile the library with such options; the same options only once."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler for the scripted libnvidia-ml.so.1")
    made: dict[tuple[str, ...], Path] = {}

    def compiled(*options: str) -> Path:
        if options not in made:
            path = tmp_path_factory.mktemp("nvml") / LIBRARY
            subprocess.run(
                [compiler, "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-Wl,-soname,{LIBRARY}", *options,
                 "-o", str(path), str(SOURCE)],
                check=True,
            )  # fmt: skip
            made[options] = path
        return made[options]

    return compiled


@pytest.fixture
def nvml(compile_nvml: Callable[..., Path], request: pytest.FixtureRequest) -> Iterator[FakeNvml]:
    """A driver without GPUs; `@pytest.mark.parametrize("nvml", [("-DOLD_DRIVER",)], indirect=True)` makes it old."""
    if pynvml.nvmlLib is not None:
        pytest.skip("this process uses the driver of this machine already")
    fake = FakeNvml(compile_nvml(*getattr(request, "param", ())))
    yield fake
    fake.unload()


class Clock:
    """Seconds that pass when the test says so."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sleeper() -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start processes (`cat`) that do nothing, until the test is over."""
    with contextlib.ExitStack() as running:

        def start() -> subprocess.Popen[bytes]:
            process = running.enter_context(subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            running.callback(process.kill)
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
            process.stdout.readline()  # it runs, under its own name
            return process

        yield start


@pytest.fixture
def ended_pid(sleeper: Callable[[], subprocess.Popen[bytes]]) -> int:
    """A pid that nobody has."""
    process = sleeper()
    process.kill()
    process.wait()
    return process.pid


@pytest.fixture
def zombie_pid() -> Iterator[int]:
    """A process that has ended, and whose parent has not heard of it."""
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        yield process.pid


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start little programs that print a line when they are ready, and end when their input does."""
    with contextlib.ExitStack() as running:

        def start(code: str, **environment: str) -> subprocess.Popen[bytes]:
            process = running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", code],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    cwd=Path(__file__).parents[4],
                    env={**os.environ, **environment},
                )
            )
            running.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() != b""
            return process

        yield start


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a little program in a fresh interpreter."""

    def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", **environment},
            cwd=Path(__file__).parents[4],
            check=True,
        )

    return run
