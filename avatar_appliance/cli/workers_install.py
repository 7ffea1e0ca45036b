"""`avatar workers install`: an engine's own environment, built or checked."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.markup import escape

from avatar_appliance.config import Settings
from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.engines import RECIPES, EngineMissing, EngineRecipe, EngineState, recipe_for
from avatar_appliance.engines.installer import EngineInstaller
from avatar_appliance.engines.python import choose_python
from avatar_appliance.models.rich_progress import RichProgress

from .app import ConfigOption, err, out, settings_from
from .workers_commands import workers_app


@workers_app.command("install")
def install(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"Workers of the configuration, or engines ({', '.join(RECIPES)}).",
            show_default="every engine the configuration uses",
        ),
    ] = None,
    python: Annotated[
        str | None, typer.Option("--python", help="Python to build with, such as python3.12 or a path.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Only import what is installed; change nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Build anew even if all is there.")] = False,
    config: ConfigOption = None,
) -> None:
    """Install the engines that need an environment of their own (gigabytes; an interrupted install can be repeated)."""
    settings = settings_from(config)
    recipes = _chosen(names, settings)
    if not recipes:
        err.print("No worker of the configuration needs an engine with an environment of its own.")
        return
    installer = EngineInstaller(settings.paths.cache_dir)
    for recipe in recipes:
        if verify:
            installer.verify(recipe)
            out.print(f"{recipe.title}: imports", highlight=False)
        else:
            _install(installer, recipe, python, again=again)


def _install(installer: EngineInstaller, recipe: EngineRecipe, python: str | None, *, again: bool) -> None:
    if again or python is not None or installer.state(recipe) is not EngineState.READY:
        err.print(f"Installing {recipe.title}: about {decimal(recipe.download_bytes)} to download.", highlight=False)
        if recipe.note:
            err.print(f"  {escape(recipe.note)}", highlight=False)
    with RichProgress(console=err) as progress:
        found = installer.install(recipe, python=python, again=again, progress=progress)
    out.print(f"{recipe.title}: ready (Python {found.python}, {found.folder})", highlight=False, soft_wrap=True)
    if recipe.compiles:
        _warn_of_missing_compiler(recipe, str(found.executable))


def _warn_of_missing_compiler(recipe: EngineRecipe, python: str) -> None:
    missing = [] if shutil.which("cc") or shutil.which("gcc") else ["gcc"]
    chosen = choose_python(recipe, python)
    if not chosen.has_headers:
        missing.append(f"python{chosen.version[0]}.{chosen.version[1]}-dev")
    if missing:
        err.print(
            f"[yellow]It compiles while it starts and will need:[/] `sudo apt install {' '.join(missing)}`",
            highlight=False,
        )


def _chosen(names: list[str] | None, settings: Settings) -> list[EngineRecipe]:
    if not names:
        engines = [worker.engine for worker in settings.workers.values() if worker.engine in RECIPES]
        # Whisper on a CPU needs nothing but the appliance itself.
        engines = [engine for engine in engines if engine != "faster-whisper" or _whisper_on_gpu(settings)]
        return [RECIPES[engine] for engine in dict.fromkeys(engines)]
    chosen = []
    for name in names:
        worker = settings.workers.get(name)
        if worker is None and name not in RECIPES:
            known = ", ".join([*RECIPES, *(n for n, w in settings.workers.items() if w.engine in RECIPES)])
            raise EngineMissing(f"there is neither a worker nor an engine {name!r}", hint=f"Known: {known}.")
        chosen.append(recipe_for(worker.engine if isinstance(worker, LocalWorker) else name))
    return list({recipe.engine: recipe for recipe in chosen}.values())


def _whisper_on_gpu(settings: Settings) -> bool:
    return any(
        worker.engine == "faster-whisper" and worker.device.startswith("cuda") for worker in settings.workers.values()
    )
