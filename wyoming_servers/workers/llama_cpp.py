"""Chat model by llama.cpp's own OpenAI-compatible server (xllamacpp ships it as a wheel), on a unix socket."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from avatar_appliance.config.workers import LlamaCppWorker

from .threads import cpu_threads

# Two conversations keep their prompt prefix each; more would only share the same cores.
PARALLEL_SLOTS = 2


def serve_llama_cpp(
    settings: LlamaCppWorker, model: Path, model_name: str, socket: Path, ready: Callable[[], None]
) -> None:
    """Load `model`, serve on `socket` until SIGTERM or SIGINT; `ready` is called once it answers."""
    # Idle OpenMP threads that spin would take the cores from Whisper and Piper.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

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
    params.verbosity = 0

    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
    mask = os.umask(0o177)
    try:
        server = xllamacpp.Server(params)
    finally:
        os.umask(mask)
    ready()
    stop.wait()
    socket.unlink(missing_ok=True)
    # The C++ server joins its threads in its destructor, and a running generation delays that: the process ends
    # anyway, and ending is what gives the memory back.
    del server
    os._exit(0)
