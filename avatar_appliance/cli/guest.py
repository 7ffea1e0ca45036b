"""`avatar guest on|off|auto|status`: lend the GPU to somebody else."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from avatar_appliance.client.admin import admin_client

from .app import ConfigOption, JsonOption, app, out, settings_from
from .duration import parse_duration_s

guest_app = typer.Typer(
    help="Guest mode: a game or a training run gets the GPU, voice goes on with the CPU.", no_args_is_help=True
)
app.add_typer(guest_app, name="guest")

ForOption = Annotated[
    float | None,
    typer.Option(
        "--for",
        parser=parse_duration_s,
        metavar="TIME",
        help="How long, such as 90m or 2h; then it is auto again.",
        show_default="until it is changed",
    ),
]


@guest_app.command()
def on(duration_s: ForOption = None, config: ConfigOption = None) -> None:
    """Give the GPUs away now; running answers are finished first."""
    _set("on", duration_s, config)


@guest_app.command()
def off(duration_s: ForOption = None, config: ConfigOption = None) -> None:
    """Keep the GPUs, whoever else wants them."""
    _set("off", duration_s, config)


@guest_app.command()
def auto(config: ConfigOption = None) -> None:
    """Give a GPU away while others need it, and take it back by itself."""
    _set("auto", None, config)


@guest_app.command()
def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Say whether somebody else has the GPUs."""
    with admin_client(settings_from(config)) as appliance:
        guest = appliance.get("/api/guest-mode")
    if json:
        out.print_json(data=guest)
    else:
        _print(guest)


def _set(mode: str, duration_s: float | None, config: Path | None) -> None:
    with admin_client(settings_from(config)) as appliance:
        _print(appliance.post("/api/guest-mode", {"mode": mode, "duration_s": duration_s}))


def _print(guest: Any) -> None:
    until = datetime.fromisoformat(guest["until"]).astimezone() if guest["until"] else None
    out.print(f"guest mode is {guest['mode']}{f' until {until:%Y-%m-%d %H:%M}' if until else ''}", highlight=False)
    for device, why in guest["guests"].items():
        out.print(f"  voice keeps off {device}: {escape(why)}", highlight=False)
