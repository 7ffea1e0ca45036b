"""Engines with an environment of their own: how each is installed, and how its worker process is started.

vLLM, F5-TTS and CosyVoice pin different versions of torch and transformers, and none of them belongs into a process
that must stay small (docs/decisions/0012). Use: `EngineInstaller(cache_dir).install(recipe_for("vllm"), ...)` once;
`worker_python(settings, name)` and `worker_environment(settings, name)` for every start.
"""

from __future__ import annotations

from .errors import EngineInstallFailed, EngineMissing, PythonUnsuitable
from .launch import worker_environment, worker_python
from .recipe import EngineRecipe, GitSource
from .recipes import RECIPES, recipe_for
from .venv import EngineState, EngineVenv, InstalledEngine

__all__ = [
    "RECIPES",
    "EngineInstallFailed",
    "EngineMissing",
    "EngineRecipe",
    "EngineState",
    "EngineVenv",
    "GitSource",
    "InstalledEngine",
    "PythonUnsuitable",
    "recipe_for",
    "worker_environment",
    "worker_python",
]
