"""`avatar config check|show|schema`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer
import yaml

from avatar_appliance.config.load import find_config
from avatar_appliance.config.reference import config_reference
from avatar_appliance.config.schema import config_schema
from avatar_appliance.config.show import shown

from .app import ConfigOption, JsonOption, app, out, settings_from

config_app = typer.Typer(help="Check, show and describe the configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")


@config_app.command()
def check(config: ConfigOption = None) -> None:
    """Check the configuration; every problem is named with file, line, key, value and fix."""
    settings_from(config)
    file = find_config(config)
    out.print(f"{file} is fine." if file else "No configuration file: the defaults are in force.", highlight=False)


@config_app.command()
def show(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Print the configuration in force, defaults included. Secrets are never printed."""
    tree = shown(settings_from(config))
    if json:
        out.print_json(data=tree)
    else:
        out.print(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False), end="", highlight=False, markup=False)


@config_app.command(hidden=True)
def reference(output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")]) -> None:
    """Write docs/configuration.md."""
    output.write_text(config_reference(), encoding="utf-8")


@config_app.command()
def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of printing.")
    ] = None,
) -> None:
    """Print the JSON schema of config.yaml, for editors."""
    text = json_module.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        out.print(text, end="", highlight=False, markup=False, soft_wrap=True)
    else:
        output.write_text(text, encoding="utf-8")
