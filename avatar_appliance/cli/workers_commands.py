"""`avatar workers list|start|stop|sleep|wake|pin|unpin`: see and steer the models of the running appliance."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from avatar_appliance.client.admin import AdminClient, admin_client
from avatar_appliance.config.size import format_size
from avatar_appliance.errors import DeadlineExceeded, WorkerFailed

from .app import ConfigOption, JsonOption, app, err, out, settings_from
from .workers_table import workers_table

workers_app = typer.Typer(help="See and steer the models, and install what they need.", no_args_is_help=True)
app.add_typer(workers_app, name="workers")

NameArgument = Annotated[str, typer.Argument(help="A worker from `avatar workers list`.")]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done.")]

_POLL_S = 0.25
_LONGEST_S = 3700.0
"""Longer than any start may take (`start_timeout_s`)."""
_NO_ROOM_S = 65.0
"""So long a start that somebody wanted waits for room."""


@workers_app.command("list")
def list_workers(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the workers that the ladders use, and what they hold."""
    with admin_client(settings_from(config)) as appliance:
        workers = appliance.get("/api/workers")["items"]
    if json:
        out.print_json(data=workers)
        return
    out.print(workers_table(workers))
    err.print("[dim](in brackets: what it would hold; ~ estimated)[/]", highlight=False)


@workers_app.command()
def start(
    name: NameArgument,
    beside: Annotated[
        bool, typer.Option("--beside", help="Only if it fits beside everything else: nobody goes for it.")
    ] = False,
    wait: WaitOption = True,
    config: ConfigOption = None,
) -> None:
    """Load a worker, or wake it; idle workers may have to go for it."""
    _command(name, "preload" if beside else "start", "ready", wait=wait, config=config)


@workers_app.command()
def stop(
    name: NameArgument,
    force: Annotated[bool, typer.Option("--force", help="Also while requests use it: they break off.")] = False,
    wait: WaitOption = True,
    config: ConfigOption = None,
) -> None:
    """Unload a worker and keep it down until you start it again."""
    _command(name, "stop", "stopped", wait=wait, config=config, force=force)


@workers_app.command()
def sleep(name: NameArgument, wait: WaitOption = True, config: ConfigOption = None) -> None:
    """Put a worker to sleep (vLLM): most of its GPU memory is free, and it is back in a moment."""
    _command(name, "sleep", "sleeping", wait=wait, config=config)


@workers_app.command()
def wake(name: NameArgument, wait: WaitOption = True, config: ConfigOption = None) -> None:
    """Wake a sleeping worker."""
    _command(name, "wake", "ready", wait=wait, config=config)


@workers_app.command()
def pin(name: NameArgument, config: ConfigOption = None) -> None:
    """Keep a worker from going for the memory of others, until the appliance restarts."""
    _command(name, "pin", None, wait=False, config=config)


@workers_app.command()
def unpin(name: NameArgument, config: ConfigOption = None) -> None:
    """Let a worker go for the memory of others."""
    _command(name, "unpin", None, wait=False, config=config)


def _command(name: str, verb: str, goal: str | None, *, wait: bool, config: Any, **query: Any) -> None:
    with admin_client(settings_from(config)) as appliance:
        worker = appliance.post(f"/api/workers/{name}/{verb}", **query)
        if wait and goal is not None:
            worker = _wait(appliance, worker, goal)
    held = worker["memory"]["charged_bytes"]
    what = "pinned" if verb == "pin" else "not pinned" if verb == "unpin" else worker["state"]
    out.print(f"{name} is {what}{f', with {format_size(held)}' if held else ''}", highlight=False)


def _wait(appliance: AdminClient, worker: Any, goal: str) -> Any:
    """Look until the worker is where it shall be; raises WorkerFailed, DeadlineExceeded."""
    began_s = time.monotonic()
    name = worker["name"]
    with err.status(name) as line:
        while worker["state"] != goal:
            waited_s = time.monotonic() - began_s
            if worker["state"] == "failed" and goal != "stopped":
                raise WorkerFailed(
                    f"{name}: {worker['last_error'] or 'it failed'}", hint="Its log says more: `avatar vram decisions`."
                )
            if goal == "ready" and worker["state"] == "stopped" and waited_s > _NO_ROOM_S:
                why = worker["last_error"] or "there was no room for it"
                raise DeadlineExceeded(f"{name} did not come up: {why}", hint="`avatar vram decisions` says why.")
            if goal == "stopped" and worker["state"] == "failed":
                return worker
            if waited_s > _LONGEST_S:
                raise DeadlineExceeded(f"{name} is still {worker['state']}", hint="`avatar workers list` shows it.")
            line.update(f"{name}: {worker['progress'] or worker['state']}")
            time.sleep(_POLL_S)
            worker = appliance.get(f"/api/workers/{name}")
    return worker
