"""An appliance with an engine of `make test-engines` (or `test-cosyvoice`), as if it had been installed by us."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance import paths
from avatar_appliance.engines import EngineVenv, InstalledEngine, recipe_for

from .appliance import EMBEDDED, Appliance

ROOT = Path(__file__).parents[2]
ENGINES = Path(os.environ.get("AVATAR_ENGINE_VENV", ROOT / ".venv-engines"))
F5 = {"engine": "f5-tts", "weights": "random", "size": "tiny", "device": "cpu", "nfe_steps": 7, "preload": True}
needs_f5 = pytest.mark.skipif(
    not (ENGINES / "bin" / "python").exists(), reason="F5-TTS is not installed: `make test-engines`"
)


@contextmanager
def engine_appliance(
    folder: Path, venv: Path, name: str, worker: Mapping[str, Any], *, start_s: float = 240, **overrides: Any
) -> Iterator[Appliance]:
    """Run it while the block runs, with `worker` as the first voice; `overrides` are further sections."""
    cache_dir = folder / "cache"
    _put_in_place(cache_dir, str(worker["engine"]), venv)
    (cache_dir / "models").symlink_to(paths.default_cache_dir() / "models")
    running = Appliance(
        folder,
        overrides={
            "tts": {"workers": [name, "piper", "espeak"]},
            "paths": {
                "cache_dir": str(cache_dir),
                "state_dir": str(folder / "state"),
                "runtime_dir": str(folder / "run"),
            },
            **overrides,
            "workers": {**EMBEDDED, name: dict(worker), **overrides.get("workers", {})},
        },
    )
    try:
        running.start(start_s)
        yield running
    except BaseException:
        print(running.log.read_text("utf-8") if running.log.exists() else "no log")
        raise
    finally:
        running.kill()


def _put_in_place(cache_dir: Path, engine: str, venv: Path) -> None:
    build = cache_dir / "venvs" / f"{engine}-test-py3"
    build.mkdir(parents=True)
    for part in ("bin", "lib", "pyvenv.cfg"):
        (build / part).symlink_to(venv / part)
    command = [venv / "bin" / "python", "-c", "import platform as p; print(p.python_version())"]
    version = subprocess.check_output(command, text=True).strip()
    EngineVenv(cache_dir, engine).finish(InstalledEngine(build, recipe_for(engine).fingerprint(), version))
