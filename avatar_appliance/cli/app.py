"""The typer application, and what all commands share: errors, exit codes, the configuration option."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from avatar_appliance.config import Settings, load_settings
from avatar_appliance.errors import AvatarError, BadRequest, Busy, ConfigError, NotFound, WorkerUnavailable

Result = TypeVar("Result")

app = typer.Typer(
    name="avatar",
    help="A private, fast, personal voice for the house: Wyoming servers for Home Assistant on one Linux box.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console()
err = Console(stderr=True)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Configuration file.",
        show_default="$AVATAR_CONFIG, ./config.yaml, /etc/avatar/config.yaml",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

# sysexits(3): what a script or systemd can tell apart.
_EXIT_CODES: tuple[tuple[type[AvatarError], int], ...] = (
    (ConfigError, os.EX_CONFIG),
    (BadRequest, os.EX_DATAERR),
    (NotFound, os.EX_DATAERR),
    (WorkerUnavailable, os.EX_UNAVAILABLE),
    (Busy, os.EX_TEMPFAIL),
)


def exit_code(error: AvatarError) -> int:
    """Return the sysexits code of an error: 78 configuration, 65 input, 69 not running, 75 busy, else 70."""
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), os.EX_SOFTWARE)


def print_error(error: AvatarError) -> None:
    """Print what went wrong and what to do, on stderr."""
    err.print(f"[bold red]error[/] [dim]({error.code})[/] {escape(error.text)}", soft_wrap=True, highlight=False)
    err.print(f"  [dim]hint:[/] {escape(error.hint)}", soft_wrap=True, highlight=False)


def settings_from(config: Path | None, **arguments: Any) -> Settings:
    """Load the settings for a command."""
    return load_settings(config, **arguments)


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's coroutine."""
    return asyncio.run(coroutine)


def main() -> None:
    """Run the command line; a problem we can name ends in a message and an exit code, never in a traceback."""
    from . import commands  # noqa: F401 - importing registers them

    try:
        app()
    except AvatarError as error:
        print_error(error)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)  # the reader (`| head`) has seen enough
