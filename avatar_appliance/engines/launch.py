"""How the process of a worker is started: with which Python, and with what in its environment.

spec = ProcessSpec(argv=(str(worker_python(settings, name)), "-m", "wyoming_servers", ..., "worker", name),
                   env=worker_environment(settings, name), ...)
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from avatar_appliance.config import Settings
from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.config.speaker_worker import ResemblyzerWorker
from avatar_appliance.config.workers import FasterWhisperWorker, LocalWorkerSettings
from avatar_appliance.errors import ConfigError

from .errors import EngineMissing
from .recipes import RECIPES
from .venv import EngineVenv, InstalledEngine, link_appliance

# Loaded at run time by name; the dynamic linker looks for them before any code of ours runs.
_LIBRARY_FOLDERS = ("nvidia/cublas/lib", "nvidia/cuda_nvrtc/lib", "nvidia/cuda_runtime/lib")

# Nothing leaves the house: no usage statistics, no look at a hub. Models are fetched by `avatar models fetch` only.
_PRIVATE = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}

# numpy reads these when it is loaded. Several threads for products as small as a voice encoder's wait for each other in
# a loop: 0.1 s became seconds of both cores, measured.
_ONE_BLAS_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def worker_python(settings: Settings, name: str) -> Path:
    """Return the Python that runs the worker `name`: its engine's own, or this one.

    Raises EngineMissing when its engine is not installed, ConfigError when `name` is no local worker.
    """
    worker = _local(settings, name)
    recipe = RECIPES.get(worker.engine)
    if recipe is None or not recipe.runs_our_code or not _wants_environment(worker):
        return Path(sys.executable)
    found = EngineVenv(settings.paths.cache_dir, recipe.engine).installed()
    if found is None:
        if isinstance(worker, FasterWhisperWorker):  # the appliance's own packages have it, for the CPU at least
            return Path(sys.executable)
        raise EngineMissing(
            f"worker {name}: {recipe.title} is not installed", hint=f"Run `avatar workers install {name}`."
        )
    try:
        link_appliance(found.site_packages)
    except OSError as error:
        raise EngineMissing(
            f"worker {name}: {recipe.title} cannot import the appliance: {error}",
            hint=f"Run `avatar workers install {name}` as the user who owns {settings.paths.cache_dir}.",
        ) from None
    return found.executable


def worker_environment(settings: Settings, name: str) -> dict[str, str]:
    """Return what the process of the worker `name` needs in its environment beside what it inherits.

    `env:` of the worker's section is in it and wins. Raises ConfigError when `name` is no local worker.
    """
    worker = _local(settings, name)
    if isinstance(worker, ResemblyzerWorker):
        return {**_ONE_BLAS_THREAD, **worker.env}
    recipe = RECIPES.get(worker.engine)
    if recipe is None or not _wants_environment(worker):
        return dict(worker.env)
    caches = settings.paths.cache_dir / "engines" / recipe.engine
    environment = {
        **_PRIVATE,
        # nvidia-smi, NVML and we number the GPUs by their slot; CUDA by its own guess of their speed.
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        # What is compiled on the way is kept: a service has no home folder where it would go by itself.
        "CUDA_CACHE_PATH": str(caches / "cuda"),
        "CUDA_CACHE_MAXSIZE": str(4 * 2**30),
        "NUMBA_CACHE_DIR": str(caches / "numba"),
        "MPLCONFIGDIR": str(caches / "matplotlib"),
        "MODELSCOPE_CACHE": str(caches / "modelscope"),
        "TOKENIZERS_PARALLELISM": "false",
    }
    if recipe.engine in ("f5-tts", "cosyvoice", "qwen3-tts"):
        # Without it one long text leaves holes in the allocator's memory that later ones cannot use.
        environment["PYTORCH_ALLOC_CONF"] = "expandable_segments:True"
    if recipe.engine == "vllm":
        environment |= {
            "VLLM_CACHE_ROOT": str(caches / "vllm"),
            "TRITON_CACHE_DIR": str(caches / "triton"),
            "TORCHINDUCTOR_CACHE_DIR": str(caches / "inductor"),
            "FLASHINFER_WORKSPACE_BASE": str(caches),
        }
    if recipe.engine == "faster-whisper":
        found = EngineVenv(settings.paths.cache_dir, recipe.engine).installed()
        if libraries := _libraries(_package_folders(found)):
            inherited = os.environ.get("LD_LIBRARY_PATH")
            environment["LD_LIBRARY_PATH"] = ":".join([*libraries, *([inherited] if inherited else [])])
    return {**environment, **worker.env}


def _local(settings: Settings, name: str) -> LocalWorkerSettings:
    worker = settings.workers.get(name)
    if not isinstance(worker, LocalWorker):
        raise ConfigError(f"{name!r} is no worker that is started here")
    return worker


def _wants_environment(worker: LocalWorker) -> bool:
    return not (isinstance(worker, FasterWhisperWorker) and worker.device == "cpu")


def _package_folders(found: InstalledEngine | None) -> Iterable[Path]:
    if found is not None:
        return (found.site_packages,)
    return (Path(sysconfig.get_paths()["purelib"]),)


def _libraries(sites: Iterable[Path]) -> list[str]:
    return [str(folder) for site in sites for part in _LIBRARY_FOLDERS if (folder := site / part).is_dir()]
