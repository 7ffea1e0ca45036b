"""`python -m wyoming_servers serve ROLE | worker NAME`: the processes of the data plane.

Small on purpose: the command line for people is `avatar`, which starts these.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from avatar_appliance.config import load_settings
from avatar_appliance.errors import AvatarError, ConfigError, OutOfMemory
from avatar_appliance.log import set_up_logging
from avatar_appliance.processes.parent_death import die_with_parent
from avatar_appliance.processes.restart_policy import EX_OUT_OF_MEMORY

from .serve import SERVER_ROLES, run_server

_MISSING_ENGINE = (
    "Install the engines (`pip install 'avatar-appliance[cpu]'`); for libgomp.so.1: `sudo apt install libgomp1`."
)


def main(arguments: list[str] | None = None) -> int:
    """Run one server or worker until SIGTERM; return a sysexits code, or EX_OUT_OF_MEMORY."""
    parser = argparse.ArgumentParser(prog="python -m wyoming_servers", description=__doc__)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve").add_argument("role", choices=SERVER_ROLES)
    commands.add_parser("worker").add_argument("name")
    options = parser.parse_args(arguments)
    if options.command == "serve":
        options.name = options.role
    if options.parent is not None:
        die_with_parent(options.parent)
    try:
        settings = load_settings(options.config)
        set_up_logging(settings.log.level, options.name)
        if options.command == "serve":
            run_server(options.role, settings)
        else:
            from .workers.run import run_worker

            run_worker(options.name, settings)
    except AvatarError as error:
        print(f"{error.text}\n  {error.hint}", file=sys.stderr)
        if isinstance(error, OutOfMemory):
            return EX_OUT_OF_MEMORY
        return os.EX_CONFIG if isinstance(error, ConfigError) else os.EX_UNAVAILABLE
    except MemoryError as error:
        print(f"{options.name}: out of memory: {error}", file=sys.stderr)
        return EX_OUT_OF_MEMORY
    except ImportError as error:
        # An engine that is not installed, or a wheel that lacks a library of the system: trying again is useless.
        print(f"the engine of {options.name!r} cannot be loaded: {error}\n  {_MISSING_ENGINE}", file=sys.stderr)
        return os.EX_CONFIG
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
