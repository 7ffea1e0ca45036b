"""Builds the environment of an engine: whole, or not there at all."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

from avatar_appliance.models.disk import require_free
from avatar_appliance.models.folder_lock import locked_in
from avatar_appliance.models.progress import SILENCE, FetchProgress

from .errors import EngineInstallFailed
from .git_checkout import checkout
from .pip_install import PipInstall
from .python import PythonFound, choose_python
from .recipe import EngineRecipe
from .venv import EngineState, EngineVenv, InstalledEngine, link_appliance, site_packages

_CHECK_TIMEOUT_S = 600.0  # the first import of torch and vLLM compiles a few thousand files of Python
_SOURCE = "source"


class EngineInstaller:
    """Installs engines below `<cache_dir>/venvs`; every method is plain and blocking."""

    def __init__(self, cache_dir: Path, *, pip: PipInstall | None = None) -> None:
        """Create nothing yet; `pip` is by default this machine's own."""
        self._cache_dir = cache_dir
        self._downloads = cache_dir / "downloads" / "pip"
        self._pip = pip or PipInstall(self._downloads)

    def install(
        self, recipe: EngineRecipe, *, python: str | None = None, again: bool = False, progress: FetchProgress = SILENCE
    ) -> InstalledEngine:
        """Return the engine as `recipe` says, building it where it is not there yet (`again`: in any case).

        What an interrupted build left is thrown away, its downloads are not. A build in use stays until the next one is
        whole, and on the disk until the next install, since processes may still run in it. Raises PythonUnsuitable,
        EngineInstallFailed, DiskFull or CacheUnwritable.
        """
        chosen = choose_python(recipe, python)
        venv = EngineVenv(self._cache_dir, recipe.engine)
        with self._locked(venv, progress):
            current = venv.installed()
            self._clear(venv, current)
            same_python = python is None or (current is not None and current.python_version == chosen.version)
            if not again and same_python and venv.state(recipe) is EngineState.READY:
                assert current is not None
                return current
            folder = venv.root / _build_name(recipe, chosen, venv.builds())
            require_free(venv.root, recipe.disk_bytes, recipe.title)
            built = self._build(recipe, chosen, folder, progress)
            venv.finish(built)
            shutil.rmtree(self._downloads, ignore_errors=True)
            return built

    def verify(self, recipe: EngineRecipe) -> None:
        """Import the installed engine. Raises EngineInstallFailed, also where there is none."""
        found = EngineVenv(self._cache_dir, recipe.engine).installed()
        if found is None:
            raise EngineInstallFailed(f"{recipe.title} is not installed")
        self._check(recipe, found)

    def state(self, recipe: EngineRecipe) -> EngineState:
        """Say whether the engine is there, and as the recipe says."""
        return EngineVenv(self._cache_dir, recipe.engine).state(recipe)

    def remove(self, recipe: EngineRecipe) -> None:
        """Delete the engine and everything an interrupted install left; fine if there is nothing."""
        venv = EngineVenv(self._cache_dir, recipe.engine)
        with self._locked(venv, SILENCE):
            venv.link.unlink(missing_ok=True)
            self._clear(venv, None)

    def _build(
        self, recipe: EngineRecipe, python: PythonFound, folder: Path, progress: FetchProgress
    ) -> InstalledEngine:
        progress.step(f"{recipe.title}: environment for Python {python}", None)
        _run([str(python.executable), "-m", "venv", "--without-pip", str(folder)], "the environment cannot be made")
        built = InstalledEngine(folder, recipe.fingerprint(), str(python))
        scratch = folder / "tmp"
        self._pip.install(built.executable, recipe.requirements, scratch, progress)
        shutil.rmtree(scratch, ignore_errors=True)
        site = site_packages(folder)
        if recipe.source is not None:
            progress.step(f"{recipe.source.url} at {recipe.source.commit[:12]}", None)
            checkout(recipe.source, folder / _SOURCE)
            paths = [os.path.normpath(folder / _SOURCE / part) for part in recipe.source.import_paths]
            (site / f"{recipe.engine}.pth").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
        if recipe.runs_our_code:
            link_appliance(site)
        progress.step(f"{recipe.title}: first import", None)
        self._check(recipe, built)
        return built

    def _check(self, recipe: EngineRecipe, built: InstalledEngine) -> None:
        # As the worker itself is started, libraries that are found by name included.
        libraries = ":".join(str(path) for path in sorted(built.site_packages.glob("nvidia/*/lib")))
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
        environment |= {"LD_LIBRARY_PATH": libraries} if recipe.engine == "faster-whisper" else {}
        _run(
            [str(built.executable), "-I", "-c", recipe.check],
            f"{recipe.title} is installed but cannot be imported",
            environment=environment,
        )

    def _locked(self, venv: EngineVenv, progress: FetchProgress) -> AbstractContextManager[None]:
        busy = f"{venv.engine}: another process installs it; waiting."
        return locked_in(venv.root, venv.engine, progress, busy=busy)

    def _clear(self, venv: EngineVenv, keep: InstalledEngine | None) -> None:
        for folder in venv.builds():
            if keep is None or folder != keep.folder:
                shutil.rmtree(folder)


def _build_name(recipe: EngineRecipe, python: PythonFound, taken: list[Path]) -> str:
    major, minor = python.version
    name = f"{recipe.engine}-{recipe.fingerprint()[:12]}-py{major}{minor}"
    # Built again while the old one may be in use: beside it.
    return f"{name}.2" if name in {folder.name for folder in taken} else name


def _run(command: list[str], what: str, *, environment: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_CHECK_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineInstallFailed(f"{what}: {error}") from None
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
        raise EngineInstallFailed(f"{what}: {(lines or ['no reason given'])[-1]}")
