"""`avatar up`: the whole appliance in one terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from filelock import FileLock, Timeout
from rich.markup import escape

from avatar_appliance.config import Settings
from avatar_appliance.config.load import find_config
from avatar_appliance.config.size import parse_size
from avatar_appliance.control.announcing import ROLES
from avatar_appliance.control.coordination import SIMULATED_GPU_FOLDER
from avatar_appliance.control.plane import ControlPlane
from avatar_appliance.control.worker_launches import worker_launches
from avatar_appliance.coordinator.launching import ProcessLauncher
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.coordinator.state import CoordinatorControl, WorkerState
from avatar_appliance.errors import ConfigError
from avatar_appliance.heap import keep_heap_small
from avatar_appliance.log import set_up_logging
from avatar_appliance.models import ModelStore, load_catalogue
from avatar_appliance.models.needed import needed_models
from avatar_appliance.models.rich_progress import RichProgress
from avatar_appliance.processes import Children, ProcessSpec, ProcessState, ProcessStatus
from avatar_appliance.processes.simulated_gpu import FOLDER_VARIABLE

from .app import ConfigOption, app, err, out, run, settings_from
from .fake_house import fake_environment, fake_house

SERVER_START_TIMEOUT_S = 60.0


@app.command()
def up(
    config: ConfigOption = None,
    fake: Annotated[bool, typer.Option("--fake", help="Scripted models: nothing to download or understood.")] = False,
    fetch: Annotated[bool, typer.Option(help="Download missing models first.")] = True,
    simulate_gpu: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Pretend to have a GPU of that size (24GiB); only fake workers use it."),
    ] = None,
) -> None:
    """Start the whole appliance: models, the three Wyoming servers, history, discovery and the HTTP API."""
    simulate_gpu_bytes = _size(simulate_gpu)
    house = fake_house(on_gpu=simulate_gpu_bytes is not None) if fake else {}
    settings = settings_from(config, **house)
    set_up_logging(settings.log.level, "control")
    keep_heap_small()
    if fetch:
        _fetch(settings)
    file = find_config(config)
    environment = fake_environment(house) if fake else {}
    run(_up(settings, file and file.resolve(), environment, simulate_gpu_bytes))


def _size(text: str | None) -> int | None:
    try:
        return None if text is None else parse_size(text)
    except ValueError as error:
        raise ConfigError(f"--simulate-gpu: {error}") from None


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


async def _up(
    settings: Settings, file: Path | None, environment: dict[str, str], simulate_gpu_bytes: int | None
) -> None:
    arguments = ["--parent", str(os.getpid()), *(["--config", str(file)] if file is not None else [])]
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if simulate_gpu_bytes is not None:
        environment[FOLDER_VARIABLE] = str(settings.paths.runtime_dir / SIMULATED_GPU_FOLDER)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_alone(settings.paths.runtime_dir))
        children = await stack.enter_async_context(Children(settings.paths.runtime_dir))
        launches = worker_launches(settings, arguments, environment)
        launcher = await stack.enter_async_context(ProcessLauncher(children, launches, settings.paths.runtime_dir))
        plane = await stack.enter_async_context(
            ControlPlane.run(settings, children, launcher, simulate_gpu_bytes=simulate_gpu_bytes)
        )
        # In this order: nobody brings up again what is stopped, and the last reports of the servers are still heard.
        stack.push_async_callback(children.stop_all)
        stack.push_async_callback(plane.stop_coordinating)
        children.on_change(_report_server)
        assert plane.coordinator is not None
        telling = asyncio.create_task(_report_workers(plane.coordinator))
        for spec in server_specs(settings, arguments, environment):
            await children.start(spec)
        usable = asyncio.create_task(_until_usable(plane, plane.coordinator))
        stop_wanted = asyncio.create_task(stopping.wait())
        await asyncio.wait({usable, stop_wanted}, return_when=asyncio.FIRST_COMPLETED)
        if usable.done():
            _where_to_go(settings, plane, _missing(plane.coordinator, children))
        usable.cancel()
        await stop_wanted
        err.print("Stopping ...")
        telling.cancel()


@contextlib.contextmanager
def _alone(runtime_dir: Path) -> Iterator[None]:
    """Keep a second appliance out of these folders: it would take the first one's workers for left-overs."""
    runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(runtime_dir / "up.lock", timeout=0)
    try:
        with lock:
            yield
    except Timeout:
        raise ConfigError(
            f"another `avatar up` runs in {runtime_dir}",
            hint="Stop it, or give this one folders of its own (`paths:` in config.yaml).",
        ) from None


async def _until_usable(plane: ControlPlane, coordinator: CoordinatorControl) -> None:
    """Wait until the servers can be used and every preloaded worker has become ready, or has failed once."""
    with coordinator.events() as decisions:
        await plane.announcing.wait_all()
        while any(_is_on_its_way(worker) for worker in coordinator.state().workers):
            await anext(decisions)


def server_specs(settings: Settings, arguments: Sequence[str], environment: Mapping[str, str]) -> list[ProcessSpec]:
    """Return the processes of the three servers; `arguments` go to `python -m wyoming_servers`."""
    return [
        ProcessSpec(
            name=role,
            role="server",
            argv=(sys.executable, "-m", "wyoming_servers", *arguments, "serve", role),
            env=environment,
            start_timeout_s=SERVER_START_TIMEOUT_S,
            stop_timeout_s=settings.limits.drain_s + 5,
        )
        for role in ROLES
    ]


def _report_server(status: ProcessStatus) -> None:
    if status.name in ROLES:
        _report(status.name, ready=status.state is ProcessState.READY, failed=_failure(status))


def _failure(status: ProcessStatus) -> str | None:
    return status.last_error if status.state is ProcessState.FAILED else None


async def _report_workers(coordinator: CoordinatorControl) -> None:
    with coordinator.events() as decisions:
        async for decision in decisions:
            if decision.worker is not None and decision.kind in ("ready", "failed", "crashed"):
                failed = None if decision.kind == "ready" else decision.text
                _report(decision.worker, ready=decision.kind == "ready", failed=failed)


def _report(name: str, *, ready: bool, failed: str | None) -> None:
    if ready:
        err.print(f"  [green]ready[/]    {name}", highlight=False)
    elif failed is not None:
        err.print(f"  [red]failed[/]   {name}: {escape(failed)}", highlight=False)


def _is_on_its_way(worker: WorkerState) -> bool:
    preloaded = worker.spec.preload and worker.state in (SlotState.STOPPED, SlotState.STARTING, SlotState.WAKING)
    return preloaded and not worker.crashes


def _missing(coordinator: CoordinatorControl, children: Children) -> list[str]:
    """Return the servers and preloaded workers that are not up."""
    servers = [s.name for s in children.statuses().values() if s.name in ROLES and s.state is not ProcessState.READY]
    up = (SlotState.READY, SlotState.SLEEPING)
    return servers + [w.spec.name for w in coordinator.state().workers if w.spec.preload and w.state not in up]


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
    host = {"0.0.0.0": addresses[0], "::": addresses[0]}.get(settings.admin.host, settings.admin.host)  # noqa: S104
    out.print(f"Panel:        http://{host}:{settings.admin.port}/", highlight=False)
    if missing:
        out.print(f"[bold red]Not running: {', '.join(missing)}[/]; the lines above and `avatar doctor` say why.")
    if plane.new_token is not None:
        out.print("Owner's token, shown only now:", highlight=False)
        out.print(f"  {plane.new_token}", highlight=False, soft_wrap=True)
    out.print("\nCtrl+C stops everything.", highlight=False)
