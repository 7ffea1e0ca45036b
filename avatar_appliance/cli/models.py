"""`avatar models list|fetch|verify|remove`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Column, Table

from avatar_appliance.config import Settings
from avatar_appliance.models import Model, ModelCorrupt, ModelStore, load_catalogue
from avatar_appliance.models.needed import needed_models
from avatar_appliance.models.rich_progress import RichProgress

from .app import ConfigOption, JsonOption, app, err, out, settings_from

models_app = typer.Typer(help="List, download and check the models.", no_args_is_help=True)
app.add_typer(models_app, name="models")

Names = Annotated[
    list[str] | None,
    typer.Argument(help="Names from `avatar models list`.", show_default="those the configuration uses"),
]


def _chosen(names: list[str] | None, settings: Settings) -> list[Model]:
    catalogue = load_catalogue()
    return [catalogue.get(name) for name in names] if names else needed_models(settings.workers.values(), catalogue)


@models_app.command("list")
def list_models(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the models of the catalogue, which are here, and which the configuration uses."""
    settings = settings_from(config)
    catalogue, store = load_catalogue(), ModelStore(settings.paths.cache_dir)
    used = {model.name for model in needed_models(settings.workers.values(), catalogue)}
    rows = [
        {
            "name": model.name,
            "role": model.role,
            "size_bytes": model.size_bytes,
            "languages": list(model.languages),
            "licence": model.licence,
            "state": store.state(model).value,
            "used": model.name in used,
        }
        for model in catalogue.models
    ]
    if json:
        out.print_json(data=rows)
        return
    # Names are typed by the owner: never cut, also not in 80 columns.
    whole = [Column(header, no_wrap=True) for header in ("name", "role", "size", "state")]
    licence = Column("licence", overflow="fold")
    table = Table(*whole, "languages", licence, box=None, pad_edge=False, caption="* used by the configuration")
    for row, model in zip(rows, catalogue.models, strict=True):
        languages = ", ".join(model.languages[:4]) + (" …" if len(model.languages) > 4 else "")
        name = f"{'*' if row['used'] else ' '} {model.name}"
        table.add_row(name, model.role, f"{model.size_bytes / 1e6:.0f} MB", str(row["state"]), languages, model.licence)
    out.print(table)


@models_app.command()
def fetch(names: Names = None, config: ConfigOption = None) -> None:
    """Download models (resumable, checked by sha256). This is the only command that talks to the internet."""
    settings = settings_from(config)
    store = ModelStore(settings.paths.cache_dir)
    missing = [model for model in _chosen(names, settings) if not store.is_present(model)]
    if not missing:
        err.print("All models are here.")
        return
    with RichProgress(console=err) as progress:
        for model in missing:
            store.fetch(model, progress)


@models_app.command()
def verify(names: Names = None, config: ConfigOption = None) -> None:
    """Hash the models' files and compare; exits non-zero when one is damaged or missing."""
    settings = settings_from(config)
    store = ModelStore(settings.paths.cache_dir)
    bad = []
    with RichProgress(console=err) as progress:
        for model in _chosen(names, settings):
            problems = store.verify(model, progress)
            bad += [f"{model.name}: {problem}" for problem in problems]
    if bad:
        raise ModelCorrupt("; ".join(bad))
    out.print("All files are as they should be.")


@models_app.command()
def remove(
    names: Annotated[list[str], typer.Argument(help="Names from `avatar models list`.")],
    config: ConfigOption = None,
) -> None:
    """Delete models from the cache."""
    settings = settings_from(config)
    store, catalogue = ModelStore(settings.paths.cache_dir), load_catalogue()
    for name in names:
        store.remove(catalogue.get(name))
