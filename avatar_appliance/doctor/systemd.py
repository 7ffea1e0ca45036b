"""Where systemd runs the appliance: are its units up, do they start with the machine, is the clock right?"""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from .finding import Finding, Severity

BOOTED = Path("/run/systemd/system")
"""Exists where systemd is PID 1 (sd_booted(3))."""
_TIMEOUT_S = 10.0
_UNITS = ("avatar.target", "avatar-control.service", "avatar-wyoming@*.service", "avatar-worker@*.service")


async def systemd(booted: Path = BOOTED) -> AsyncIterator[Finding]:
    """Yield findings; none where systemd is not PID 1 or does not know `avatar.target`."""
    if not booted.is_dir() or shutil.which("systemctl") is None:  # noqa: ASYNC240 - a folder in memory
        return
    target = await _properties("avatar.target")
    if not target or target[0].get("LoadState") == "not-found":
        return
    if target[0].get("UnitFileState") not in ("enabled", "enabled-runtime"):
        fix = "Run `sudo systemctl enable avatar.target`."
        yield Finding("units", Severity.WARNING, "avatar.target does not start with the machine", fix)
    units = [unit for pattern in _UNITS for unit in await _properties(pattern)]
    failed = [unit for unit in units if unit.get("ActiveState") == "failed"]
    for unit in failed:
        name = unit.get("Id", "")
        fix = f"See why: `journalctl -u {name} -n 50`; then `sudo systemctl restart {name}`."
        yield Finding("units", Severity.PROBLEM, f"{name} has failed ({unit.get('Result', '?')})", fix)
    if not failed:
        up = sum(unit.get("ActiveState") == "active" for unit in units)
        yield Finding("units", Severity.FINE, f"{up} units are up, none has failed")
    polkit = await _properties("polkit.service")
    if not polkit or polkit[0].get("LoadState") != "loaded":
        fix = "Install it: `sudo apt-get install polkitd`."
        yield Finding("polkit", Severity.PROBLEM, "polkit is missing: the coordinator may start no worker", fix)
    clock = await _output("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if clock.strip() == "no":
        fix = "Run `sudo timedatectl set-ntp true`; a wrong clock breaks certificates and the times of the history."
        yield Finding("clock", Severity.WARNING, "the clock is not synchronised", fix)


async def _properties(pattern: str) -> list[Mapping[str, str]]:
    """Return properties of the units that match, by `systemctl show`."""
    shown = await _output(
        "systemctl", "show", "--no-pager", "--property=Id,LoadState,ActiveState,UnitFileState,Result", pattern
    )
    units = (dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in shown.split("\n\n"))
    return [unit for unit in units if unit]


async def _output(*command: str) -> str:
    """Return what a command prints; nothing where it fails or hangs."""
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
    except OSError:
        return ""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            printed, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return ""
    return printed.decode("utf-8", "replace")
