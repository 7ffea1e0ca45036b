"""`avatar serve ROLE` and `avatar worker NAME`: single processes, as systemd runs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import typer

from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.engines import worker_environment, worker_python
from avatar_appliance.errors import ConfigError
from avatar_appliance.heap import keep_heap_small
from avatar_appliance.log import set_up_logging

from .app import ConfigOption, app, run, settings_from


@app.command()
def serve(
    role: Annotated[Literal["asr", "tts", "conversation", "control"], typer.Argument(help="Which server.")],
    config: ConfigOption = None,
) -> None:
    """Run one server in the foreground: asr, tts, conversation, or control (store, discovery, HTTP API)."""
    if role == "control":
        from avatar_appliance.control.plane import run_control_plane

        settings = settings_from(config)
        set_up_logging(settings.log.level, "control")
        keep_heap_small()
        run(run_control_plane(settings))
    else:
        settings_from(config)  # a mistake in the file is shown the way this command line shows it
        _become("serve", role, config)


@app.command()
def worker(
    name: Annotated[str, typer.Argument(help="A name under `workers:`.")],
    config: ConfigOption = None,
) -> None:
    """Run one model worker in the foreground."""
    settings = settings_from(config)
    known = settings.workers
    if name not in known:
        raise ConfigError(f"there is no worker {name!r}", hint=f"Known: {', '.join(known)}.")
    if isinstance(known[name], LocalWorker):
        _become("worker", name, config, worker_python(settings, name), worker_environment(settings, name))
    else:
        _become("worker", name, config)


def _become(
    command: str,
    name: str,
    config: Path | None,
    python: Path = Path(sys.executable),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    # The data plane is a program of its own, which this one never imports: it stays small.
    chosen = ["--config", str(config)] if config else []
    arguments = [str(python), "-m", "wyoming_servers", *chosen, command, name]
    os.execve(python, arguments, {**os.environ, **environment})  # noqa: S606
