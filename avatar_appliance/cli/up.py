"""`avatar up`: the whole appliance in one terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from avatar_appliance.config import Settings
from avatar_appliance.config.load import find_config
from avatar_appliance.config.workers import LocalWorker
from avatar_appliance.control.announcing import ROLES
from avatar_appliance.control.plane import ControlPlane
from avatar_appliance.log import set_up_logging
from avatar_appliance.models import ModelStore, load_catalogue
from avatar_appliance.models.needed import needed_models
from avatar_appliance.models.rich_progress import RichProgress
from avatar_appliance.processes import Children, ProcessSpec, ProcessState, ProcessStatus

from .app import ConfigOption, app, err, out, run, settings_from

SERVER_START_TIMEOUT_S = 60.0
# Added to the workers of the configuration, and put on the ladders in their place.
FAKE: dict[str, dict[str, Any]] = {
    "workers": {
        "fake-asr": {"engine": "fake", "fake_role": "asr"},
        "fake-tts": {"engine": "fake", "fake_role": "tts"},
        "fake-llm": {"engine": "fake", "fake_role": "llm"},
    },
    "asr": {"workers": ["fake-asr"]},
    "tts": {"workers": ["fake-tts"]},
    "conversation": {"workers": ["fake-llm"]},
}


@app.command()
def up(
    config: ConfigOption = None,
    fake: Annotated[bool, typer.Option("--fake", help="Scripted models: nothing to download or understood.")] = False,
    fetch: Annotated[bool, typer.Option(help="Download missing models first.")] = True,
) -> None:
    """Start the whole appliance: models, the three Wyoming servers, history, discovery and the HTTP API."""
    settings = settings_from(config, **(FAKE if fake else {}))
    set_up_logging(settings.log.level, "control")
    if fetch:
        _fetch(settings)
    run(_up(settings, find_config(config), fake=fake))


def _fetch(settings: Settings) -> None:
    store = ModelStore(settings.paths.cache_dir)
    missing = [m for m in needed_models(settings.workers.values(), load_catalogue()) if not store.is_present(m)]
    if not missing:
        return
    size = sum(model.size_bytes for model in missing)
    err.print(f"Fetching {len(missing)} models ({size / 1e6:.0f} MB), once.", highlight=False)
    with RichProgress(console=err) as progress:
        for model in missing:
            store.fetch(model, progress)


async def _up(settings: Settings, file: Path | None, *, fake: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with contextlib.AsyncExitStack() as stack:
        children = Children(settings.paths.runtime_dir)
        plane = await stack.enter_async_context(ControlPlane.run(settings, children))
        stack.push_async_callback(children.stop_all)
        children.on_change(_report_change)
        for spec in process_specs(settings, file, fake=fake):
            await children.start(spec)
        usable = asyncio.create_task(_until_usable(plane, children))
        stop_wanted = asyncio.create_task(stopping.wait())
        await asyncio.wait({usable, stop_wanted}, return_when=asyncio.FIRST_COMPLETED)
        if usable.done():
            _where_to_go(settings, plane, [s.name for s in children.statuses().values() if not _is_ready(s)])
        usable.cancel()
        await stop_wanted
        err.print("Stopping ...")


async def _until_usable(plane: ControlPlane, children: Children) -> None:
    """Wait until the servers can be used and every worker has become ready, or has failed once."""
    with children.changes() as changes:
        await plane.announcing.wait_all()
        while any(s.state is ProcessState.STARTING and not s.restarts for s in children.statuses().values()):
            await anext(changes)


def process_specs(settings: Settings, file: Path | None, *, fake: bool = False) -> list[ProcessSpec]:
    """Return what `avatar up` runs: a process per local worker that a ladder uses, and the three servers."""
    base = [sys.executable, "-m", "wyoming_servers", "--parent", str(os.getpid())]
    if file is not None:
        base += ["--config", str(file.resolve())]
    environment = fake_environment() if fake else {}
    specs = []
    for name in _used(settings):
        worker = settings.workers[name]
        if isinstance(worker, LocalWorker):
            specs.append(
                ProcessSpec(
                    name=name,
                    role="worker",
                    argv=(*base, "worker", name),
                    env={**environment, **worker.env},
                    start_timeout_s=worker.start_timeout_s,
                )
            )
    specs += [
        ProcessSpec(
            name=role,
            role="server",
            argv=(*base, "serve", role),
            env=environment,
            start_timeout_s=SERVER_START_TIMEOUT_S,
            stop_timeout_s=settings.limits.drain_s + 5,
        )
        for role in ROLES
    ]
    return specs


def fake_environment() -> dict[str, str]:
    """Return the environment that gives child processes the same fake workers."""
    return {
        "AVATAR_WORKERS": json.dumps(FAKE["workers"]),
        **{f"AVATAR_{role.upper()}__WORKERS": json.dumps(FAKE[role]["workers"]) for role in ROLES},
    }


def _used(settings: Settings) -> Iterable[str]:
    return dict.fromkeys((*settings.asr.workers, *settings.tts.workers, *settings.conversation.workers))


def _report_change(status: ProcessStatus) -> None:
    if status.state is ProcessState.READY:
        err.print(f"  [green]ready[/]    {status.name}", highlight=False)
    elif status.state is ProcessState.FAILED:
        err.print(f"  [red]failed[/]   {status.name}: {escape(status.last_error)}", highlight=False)


def _is_ready(status: ProcessStatus) -> bool:
    return status.state is ProcessState.READY


def _where_to_go(settings: Settings, plane: ControlPlane, missing: list[str]) -> None:
    addresses = plane.announcing.addresses or ["this machine's address"]
    out.print(f"\n[bold]{escape(settings.house.name)} is listening.[/]\n", highlight=False)
    out.print("In Home Assistant: Settings -> Devices & services -> three Wyoming services.", highlight=False)
    out.print("By hand: Add integration -> Wyoming Protocol, with", highlight=False)
    for role in ROLES:
        out.print(f"  {role:13} {addresses[0]}  port {getattr(settings, role).port}", highlight=False)
    out.print("Then Settings -> Voice assistants -> Add assistant.\n", highlight=False)
    avatar = "avatar" if sys.prefix == sys.base_prefix else f"{Path(sys.prefix).name}/bin/avatar"
    out.print(f'Try it here:  {avatar} ask "What is the capital of Australia?"', highlight=False, markup=False)
    out.print(f"HTTP API:     http://{settings.admin.host}:{settings.admin.port}/health", highlight=False)
    if missing:
        out.print(f"[bold red]Not running: {', '.join(missing)}[/]; the lines above and `avatar doctor` say why.")
    if plane.new_token is not None:
        out.print("Owner's token, shown only now:", highlight=False)
        out.print(f"  {plane.new_token}", highlight=False, soft_wrap=True)
    out.print("\nCtrl+C stops everything.", highlight=False)
