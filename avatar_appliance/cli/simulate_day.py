"""`avatar simulate-day`: a household's day on one GPU, in seconds."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from avatar_appliance.config.size import parse_size

from .app import JsonOption, app, err, out

REPORT_FILE = "simulated-day.json"
SMALLEST_GIB = 8
PICTURE_FILE = "simulated-day.svg"


def _size(text: str) -> int:
    try:
        size_bytes = parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--gpu") from None
    if size_bytes < SMALLEST_GIB * 2**30:
        raise typer.BadParameter(f"the household's game needs a card of {SMALLEST_GIB} GiB", param_hint="--gpu")
    return size_bytes


@app.command("simulate-day")
def simulate_day(
    gpu: Annotated[str, typer.Option(help="Memory of the card, such as 16GiB.", metavar="SIZE")] = "24GiB",
    seed: Annotated[int, typer.Option(help="Another number, another day.")] = 1,
    hours: Annotated[float, typer.Option(help="Only the first hours of the day.", min=0.1, max=24.0)] = 24.0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=f"Folder for {REPORT_FILE} and {PICTURE_FILE}.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Play a household's day on one GPU: turns, a game, a transcoder, training, crashes. The scheduler is real."""
    size_bytes = _size(gpu)
    # Imported here: nobody else on this command line needs the simulated world.
    from avatar_appliance.simulation.day import SimulatedDay
    from avatar_appliance.simulation.day_picture import day_picture
    from avatar_appliance.simulation.day_report import day_report

    with err.status("24 hours ..."):
        record = SimulatedDay(card_bytes=size_bytes, seed=seed).run(hours)
    report = day_report(record)
    text = json_module.dumps(report, indent=2)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / REPORT_FILE).write_text(text + "\n", encoding="utf-8")
        (output / PICTURE_FILE).write_text(day_picture(record), encoding="utf-8")
    if json:
        out.print(text, highlight=False, markup=False, soft_wrap=True)
    else:
        _print(report)
    if report["turns"]["failed_for_lack_of_memory"]:
        raise typer.Exit(1)


def _print(report: dict[str, Any]) -> None:
    turns = report["turns"]
    count = turns["spoken"] + turns["announcements"]
    out.print(f"{count} turns, {turns['degraded']} degraded, {turns['failed']} failed", highlight=False)
    table = Table("rung", "why", "times", box=None, pad_edge=False)
    for stage in report["degraded_stages"]:
        table.add_row(stage["rungs"], stage["why"], str(stage["stages"]))
    out.print(table)
    starts = Table("worker", "starts", "most in an hour", box=None, pad_edge=False)
    for name, times in report["starts"].items():
        starts.add_row(name, str(times["in_the_day"]), str(times["most_in_an_hour"]))
    out.print(starts)
