"""Chat model by llama.cpp's own OpenAI-compatible server (xllamacpp ships it as a wheel), on a unix socket."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avatar_appliance.config.workers import LlamaCppWorker
from avatar_appliance.errors import OutOfMemory

from .memory_failure import says_out_of_memory
from .stderr_capture import captured_stderr
from .threads import cpu_threads

# Two conversations keep their prompt prefix each; more would only share the same cores.
PARALLEL_SLOTS = 2
SILENT, ERRORS = 0, 1
# llama.cpp logs from a thread of its own.
LOG_LAG_S = 0.2


def serve_llama_cpp(
    settings: LlamaCppWorker, model: Path, model_name: str, socket: Path, ready: Callable[[], None]
) -> None:
    """Load `model`, serve on `socket` until SIGTERM or SIGINT; `ready` is called once it answers.

    Raises OutOfMemory, or RuntimeError when the model cannot be loaded for another reason.
    """
    device, _, index = settings.device.partition(":")
    if device == "cuda" and index:
        os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
        os.environ["CUDA_VISIBLE_DEVICES"] = index  # or llama.cpp would spread its layers over all of them
    # Idle OpenMP threads that spin would take the cores from Whisper and Piper.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {model_name}
    params.hostnames = [str(socket)]
    params.n_parallel = PARALLEL_SLOTS
    params.kv_unified = True
    params.n_ctx = settings.context_tokens
    params.n_gpu_layers = settings.gpu_layers
    params.cpuparams.n_threads = cpu_threads(settings.threads)
    params.cpuparams_batch.n_threads = cpu_threads(settings.threads)
    params.use_jinja = True
    params.ui = False
    params.offline = True
    params.verbosity = SILENT  # its errors may quote a request

    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
    mask = os.umask(0o177)
    try:
        server = xllamacpp.Server(params)  # noqa: F841 - serves as long as somebody holds it
    except RuntimeError as error:
        if says_out_of_memory(_reason(xllamacpp, params, socket)):
            raise OutOfMemory(f"{model_name} does not fit into memory with {settings.context_tokens} tokens") from error
        raise
    finally:
        os.umask(mask)
    # Only now: while C++ loads, Python's handlers would not run, and the signal's own effect is what is wanted.
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    ready()
    stop.wait()
    socket.unlink(missing_ok=True)
    # Not by leaving: the destructor of the C++ server waits for a running generation, and ending is what gives the
    # memory back.
    os._exit(0)


def _reason(xllamacpp: Any, params: Any, socket: Path) -> str:
    """Return why the model cannot be loaded: llama.cpp says so on stderr alone, and only if it may say errors.

    So it is loaded once more for that; nothing is ever served with a log that may quote what people say.
    """
    socket.unlink(missing_ok=True)
    params.verbosity = ERRORS
    with captured_stderr() as captured:
        try:
            xllamacpp.Server(params)
        except RuntimeError:
            pass
        time.sleep(LOG_LAG_S)
    return captured.text
