"""`avatar support-bundle`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from avatar_appliance.config.size import format_size
from avatar_appliance.errors import ConfigError
from avatar_appliance.support import collect, write_bundle

from .app import ConfigOption, JsonOption, app, err, out, run, settings_from


@app.command("support-bundle")
def support_bundle(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File or folder.", show_default="the current folder, else /tmp"),
    ] = None,
    journal: Annotated[
        str | None,
        typer.Option(
            help="Take the journal from this file (-: standard input), written by `journalctl -o json`.",
            show_default="ask journalctl",
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Collect what a bug report needs into one tar.gz, and list what is in it. Nothing is sent.

    Versions, hardware, configuration, health, units, warnings, timings and decisions; no secret, no name, nothing that
    was said or answered, no recording.
    """
    settings = settings_from(config)
    given = None if journal is None else _journal(journal)

    def tell(name: str) -> None:
        if not json:
            err.print(f"[dim]{name} ...[/]", highlight=False)

    parts = run(collect(settings, journal_json=given, on_part=tell))
    path = write_bundle(parts, output or _writable_folder())
    if json:
        files = [{"name": part.name, "size_bytes": part.size_bytes, "about": part.about} for part in parts]
        out.print_json(data={"path": str(path), "files": files})
        return
    for part in parts:
        out.print(
            f"{part.name:20} {format_size(part.size_bytes):>9}  {escape(part.about)}", highlight=False, soft_wrap=True
        )
    out.print(f"\n{escape(str(path))}", highlight=False, soft_wrap=True)
    out.print(
        f"Nothing was sent. Look inside before you do: tar -xOzf {escape(str(path))} | less",
        highlight=False,
        soft_wrap=True,
    )


def _writable_folder() -> Path:
    here = Path.cwd()
    return here if os.access(here, os.W_OK) else Path(tempfile.gettempdir())


def _journal(source: str) -> str:
    if source == "-":
        return sys.stdin.read()
    try:
        return Path(source).read_text("utf-8", "replace")
    except OSError as error:
        raise ConfigError(
            f"{source}: {error.strerror or 'cannot be read'}", hint="Check the path and its permissions."
        ) from None
