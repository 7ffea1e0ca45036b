"""Are the engines of the configured workers installed, and of this release?"""

from __future__ import annotations

from collections.abc import Iterator

from avatar_appliance.config import Settings
from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.config.workers import FasterWhisperWorker
from avatar_appliance.engines import RECIPES, EngineState, EngineVenv

from .finding import Finding, Severity


def engines(settings: Settings, *, has_gpu: bool) -> Iterator[Finding]:
    """Yield a finding per worker whose engine has an environment of its own."""
    for name, worker in settings.workers.items():
        recipe = RECIPES.get(worker.engine) if isinstance(worker, LocalWorker) else None
        if recipe is None or (isinstance(worker, FasterWhisperWorker) and not _wants_gpu(worker, has_gpu)):
            continue
        if getattr(worker, "executable", None) is not None:
            continue  # the owner's own installation
        state = EngineVenv(settings.paths.cache_dir, recipe.engine).state(recipe)
        fix = f"Run `avatar workers install {name}`."
        match state:
            case EngineState.READY:
                yield Finding("engine", Severity.FINE, f"{name}: {recipe.title} is installed")
            case EngineState.OUTDATED:
                yield Finding("engine", Severity.WARNING, f"{name}: {recipe.title} is of an earlier release", fix)
            case EngineState.ABSENT if isinstance(worker, FasterWhisperWorker):
                text = f"{name}: {recipe.title} is not installed; it runs on the CPU"
                yield Finding("engine", Severity.WARNING if worker.device == "auto" else Severity.PROBLEM, text, fix)
            case _:
                yield Finding("engine", Severity.PROBLEM, f"{name}: {recipe.title} is not installed", fix)


def _wants_gpu(worker: FasterWhisperWorker, has_gpu: bool) -> bool:
    return has_gpu if worker.device == "auto" else worker.device != "cpu"
