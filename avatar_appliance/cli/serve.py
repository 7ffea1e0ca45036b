"""`avatar serve ROLE` and `avatar worker NAME`: single processes, as systemd runs them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from .app import ConfigOption, app, run, settings_from


@app.command()
def serve(
    role: Annotated[Literal["asr", "tts", "conversation", "control"], typer.Argument(help="Which server.")],
    config: ConfigOption = None,
) -> None:
    """Run one server in the foreground: asr, tts, conversation, or control (store, discovery, HTTP API)."""
    if role == "control":
        from avatar_appliance.control.plane import run_control_plane

        run(run_control_plane(settings_from(config)))
    else:
        _become("serve", role, config)


@app.command()
def worker(
    name: Annotated[str, typer.Argument(help="A name under `workers:`.")],
    config: ConfigOption = None,
) -> None:
    """Run one model worker in the foreground."""
    _become("worker", name, config)


def _become(command: str, name: str, config: Path | None) -> None:
    # The data plane is a program of its own, which this one never imports: it stays small.
    settings_from(config)  # a mistake in the file is shown the way this command line shows it
    chosen = ["--config", str(config)] if config else []
    os.execv(sys.executable, [sys.executable, "-m", "wyoming_servers", *chosen, command, name])  # noqa: S606
