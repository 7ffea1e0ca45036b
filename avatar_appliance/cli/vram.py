"""`avatar vram status|plan|decisions`: who has the memory, and what would fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from avatar_appliance.client.admin import admin_client
from avatar_appliance.config import Settings
from avatar_appliance.config.size import format_size, parse_size
from avatar_appliance.coordinator.device import CPU
from avatar_appliance.coordinator.plan import (
    DeviceRoom,
    PlannedDevice,
    PlannedWorker,
    VramPlan,
    make_plan,
    wanted_at_start,
)
from avatar_appliance.coordinator.probes import ProbeFailed, make_probe
from avatar_appliance.coordinator.specs import measured_workers, scheduler_policy, worker_specs
from avatar_appliance.errors import AvatarError
from avatar_appliance.store import DATABASE_FILE, read_measurements

from .app import ConfigOption, JsonOption, app, err, out, settings_from
from .memory_bar import memory_bar, worker_colour
from .workers_table import workers_table

vram_app = typer.Typer(
    help="See who has the memory, what would fit, and why something was decided.", no_args_is_help=True
)
app.add_typer(vram_app, name="vram")

_FITS = {
    "resident": "[green]from the start[/]",
    "beside": "[green]when asked for[/]",
    "instead": "[yellow]in turns[/]",
    "no": "[red]does not fit[/]",
    "external": "runs elsewhere",
}


def _size(text: str) -> int:
    try:
        size_bytes = parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if size_bytes <= 0:
        raise typer.BadParameter("a GPU has some memory")
    return size_bytes


@vram_app.command()
def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show devices and workers of the running appliance."""
    with admin_client(settings_from(config)) as appliance:
        state = appliance.get("/api/vram")
    if json:
        out.print_json(data=state)
        return
    for device in state["devices"]:
        _print_device(device)
    _print_guest_mode(state["guest_mode"])
    out.print(workers_table(state["workers"]))
    for request in state["waiting"]:
        ladder = ", ".join(request["ladder"])
        out.print(f"waiting for {request['waited_s']:.1f} s: {request['client']} ({ladder})", highlight=False)
    for note in state["notes"]:
        err.print(f"[dim]{escape(note)}[/]", highlight=False, soft_wrap=True)


@vram_app.command()
def plan(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Workers that shall be loaded together.", show_default="those of the ladders, as they are configured"
        ),
    ] = None,
    gpu: Annotated[
        list[int] | None,
        typer.Option(
            "--gpu",
            parser=_size,
            metavar="SIZE",
            help="Plan for a GPU of this size with nobody else on it, such as 24GiB; may be repeated.",
            show_default="this machine's GPUs, with others on them as they are",
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show what would fit, by the scheduler's own rules. The appliance need not run; exits 1 if not everything fits."""
    settings = settings_from(config)
    rooms, notes = _rooms(settings, gpu or [])
    result = _plan(settings, names or [], rooms, on_paper=bool(gpu))
    if json:
        from avatar_appliance.admin.api.vram_models import PlanView  # brings the web framework

        out.print_json(PlanView.of(result).model_dump_json())
    else:
        _print_plan(result)
        for note in notes:
            err.print(f"[dim]{escape(note)}[/]", highlight=False, soft_wrap=True)
    if not result.all_fit:
        raise typer.Exit(1)


@vram_app.command()
def decisions(
    worker: Annotated[str | None, typer.Option("--worker", help="Only those about this worker.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", min=1, max=200, help="How many.")] = 20,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show what was loaded, sent away or denied, and why; the newest last."""
    with admin_client(settings_from(config)) as appliance:
        page = appliance.get("/api/vram/decisions", worker=worker, limit=number)
    if json:
        out.print_json(data=page["items"])
        return
    for decision in reversed(page["items"]):
        at = datetime.fromisoformat(decision["at"]).astimezone()
        out.print(
            f"[dim]{at:%Y-%m-%d %H:%M:%S}[/]  {escape(decision['kind']):10} {escape(decision['text'])}",
            highlight=False,
            soft_wrap=True,
        )


def _rooms(settings: Settings, gpus: Sequence[int]) -> tuple[list[DeviceRoom], Sequence[str]]:
    """Return the devices to plan for, and what to know about them."""
    seen, notes = _seen_by_the_appliance(settings) or _seen_from_here(settings)
    if not gpus:
        return seen, notes
    imagined = [
        DeviceRoom(device=f"cuda:{index}", name=f"a GPU of {format_size(size_bytes)}", usable_bytes=size_bytes)
        for index, size_bytes in enumerate(gpus)
    ]
    return [*imagined, *(room for room in seen if room.device == CPU)], ()


def _seen_by_the_appliance(settings: Settings) -> tuple[list[DeviceRoom], Sequence[str]] | None:
    """Return the devices as the running appliance knows them: only it can tell others from its own workers."""
    try:
        with admin_client(settings) as appliance:
            state = appliance.get("/api/vram")
    except AvatarError:
        return None
    rooms = [
        DeviceRoom(
            device=device["device"],
            name=device["name"],
            usable_bytes=device["usable_bytes"],
            foreign_bytes=device["foreign_bytes"],
        )
        for device in state["devices"]
        if device["usable_bytes"] is not None
    ]
    return rooms, state["notes"]


def _seen_from_here(settings: Settings) -> tuple[list[DeviceRoom], Sequence[str]]:
    """Return the devices of this machine; whatever is used there is somebody else's."""
    probe = make_probe(None, settings.paths.runtime_dir)
    try:
        readings, notes = probe.read(), list(probe.notes())
    except ProbeFailed as error:
        readings, notes = error.readings, [error.text, error.hint]
    finally:
        probe.close()
    rooms = [
        DeviceRoom(
            device=reading.device,
            name=reading.name,
            usable_bytes=reading.usable_bytes,
            foreign_bytes=reading.used_bytes,
        )
        for reading in readings
    ]
    return rooms, notes


def _plan(settings: Settings, names: Sequence[str], rooms: Sequence[DeviceRoom], *, on_paper: bool) -> VramPlan:
    devices = [room.device for room in rooms]
    measured = read_measurements(settings.paths.state_dir / DATABASE_FILE)
    specs = worker_specs(settings, devices, measured, names=names)
    return make_plan(
        wanted_at_start(specs) if names else specs,
        rooms,
        policy=scheduler_policy(settings.coordinator),
        measured=measured_workers(settings, devices, measured, names=names),
        guest_mode="off" if on_paper else settings.coordinator.guest_mode.mode,
    )


def _print_plan(plan: VramPlan) -> None:
    for device in plan.devices:
        workers = [worker for worker in plan.workers if worker.device == device.device]
        _print_planned_device(device, [worker for worker in workers if worker.rest_total_bytes is not None])
        # Sizes are compared down the column: never cut, also not in 80 columns.
        numbers = [
            Column(header, justify="right", no_wrap=True)
            for header in ("prio", "at rest", "starting", "sum at rest", "starting")
        ]
        table = Table(
            Column("worker", no_wrap=True), *numbers, Column("loaded", no_wrap=True), box=None, pad_edge=False
        )
        for worker in workers:
            table.add_row(*_planned_row(worker))
        if workers:
            out.print(table)
        for worker in workers:
            if worker.text:
                out.print(f"  {worker.name}: {escape(worker.text)}", highlight=False, soft_wrap=True)
        out.print()
    for worker in plan.workers:
        if worker.device is None:
            out.print(f"{worker.name}: {worker.text or _FITS[worker.fit]}", highlight=False)
    if any(not worker.measured and worker.fit != "external" for worker in plan.workers):
        err.print("[dim]~ estimated; measured when the worker was started here once[/]", highlight=False)


def _print_planned_device(device: PlannedDevice, loaded: Sequence[PlannedWorker]) -> None:
    ours = {worker.name: worker.rest_bytes for worker in loaded}
    if device.beside_gpu_bytes:
        ours["beside GPU memory"] = device.beside_gpu_bytes
    facts = [f"{format_size(device.planned_bytes)} planned"]
    if device.beside_gpu_bytes:
        facts[0] += f" ({format_size(device.beside_gpu_bytes)} beside GPU memory)"
    if device.foreign_bytes:
        facts.append(f"others hold {format_size(device.foreign_bytes)}")
    facts.append(f"{format_size(device.free_bytes)} left of {format_size(device.budget_bytes)}")
    out.print(f"[bold]{device.device}[/]  {escape(device.name)}: {', '.join(facts)}", highlight=False, soft_wrap=True)
    out.print(memory_bar(device.usable_bytes, device.budget_bytes, ours, device.foreign_bytes))


def _planned_row(worker: PlannedWorker) -> tuple[str, ...]:
    mark = "" if worker.measured else "~"
    return (
        f"{worker.name}{' (pinned)' if worker.pinned else ''}",
        str(worker.priority),
        mark + format_size(worker.rest_bytes),
        mark + format_size(worker.peak_bytes),
        "" if worker.rest_total_bytes is None else format_size(worker.rest_total_bytes),
        "" if worker.peak_total_bytes is None else format_size(worker.peak_total_bytes),
        _FITS[worker.fit],
    )


def _print_device(device: Mapping[str, Any]) -> None:
    facts = [escape(device["name"])] if device["name"] else []
    if device["temperature_c"] is not None:
        facts.append(f"{device['temperature_c']} °C")
    if device["utilisation_percent"] is not None:
        facts.append(f"{device['utilisation_percent']} % busy")
    out.print(f"[bold]{device['device']}[/]  {', '.join(facts)}", highlight=False, soft_wrap=True)
    if device["lost"] or device["usable_bytes"] is None:
        out.print("  [red]cannot be read: nothing is started there[/]")
        return
    charges: dict[str, int] = device["charges"]
    out.print(memory_bar(device["usable_bytes"], device["budget_bytes"], charges, device["foreign_bytes"]))
    legend = Text("  ")
    for index, (name, size_bytes) in enumerate(charges.items()):
        legend.append("█ ", worker_colour(index)).append(f"{name} {format_size(size_bytes)}   ")
    if device["foreign_bytes"]:
        names = sorted({process["name"] for process in device["foreign_processes"] or () if process["name"]})
        whose = f" ({', '.join(names[:5])})" if names else ""
        legend.append("▓ ", "red").append(f"others {format_size(device['foreign_bytes'])}{whose}   ")
    legend.append(f"room {format_size(device['room_bytes'])} of {format_size(device['usable_bytes'])}")
    out.print(legend)
    if device["guest"]:
        out.print(f"  [yellow]guest mode: {escape(device['guest'])}[/]", highlight=False)


def _print_guest_mode(guest: Mapping[str, Any]) -> None:
    if guest["mode"] != "auto":
        until = datetime.fromisoformat(guest["until"]).astimezone() if guest["until"] else None
        out.print(f"guest mode is {guest['mode']}{f' until {until:%H:%M}' if until else ''}", highlight=False)
    out.print()
