"""The machine, and what is installed on it."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from avatar_appliance import __version__
from avatar_appliance.config import Settings
from avatar_appliance.config.size import format_size
from avatar_appliance.coordinator.probes import ProbeFailed, make_probe
from avatar_appliance.errors import ConfigError

from .part import Part


def versions() -> Part:
    """Return the version of the appliance and of every package beside it."""
    packages = {each.metadata["Name"]: each.version for each in distributions()}
    found = {"avatar-appliance": __version__, "python": platform.python_version()}
    lines = [f"{name} {version}" for name, version in (found | dict(sorted(packages.items()))).items()]
    return Part("versions.txt", "versions of the appliance and of every package it runs with", _lines(lines))


def hardware(settings: Settings) -> Part:
    """Return processor, memory, system, disks and GPUs."""
    lines = [
        f"system: {_os_name()}, Linux {platform.release()}, {platform.machine()}",
        f"processor: {_first('/proc/cpuinfo', 'model name')}, {os.cpu_count()} threads",
        f"memory: {_first('/proc/meminfo', 'MemTotal')}, available {_first('/proc/meminfo', 'MemAvailable')}, "
        f"swap {_first('/proc/meminfo', 'SwapTotal')}",
        f"NVIDIA driver: {_text('/sys/module/nvidia/version') or 'not loaded'}",
        f"init: {_text('/proc/1/comm')}",
    ]
    for name in ("state_dir", "cache_dir"):
        folder: Path = getattr(settings.paths, name)
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        usage = shutil.disk_usage(existing)
        lines.append(f"disk of {name}: {format_size(usage.free)} free of {format_size(usage.total)}")
    lines += list(_devices(settings))
    return Part("hardware.txt", "processor, memory, GPUs, disks and system", _lines(lines))


def _devices(settings: Settings) -> Iterator[str]:
    try:
        probe = make_probe(None, settings.paths.runtime_dir)
    except ConfigError as error:
        yield f"GPUs: {error.text}"
        return
    try:
        for reading in probe.read():
            size, used = format_size(reading.total_bytes), format_size(reading.used_bytes)
            yield f"{reading.device}: {reading.name}, {size}, {used} used"
        yield from probe.notes()
    except ProbeFailed as error:
        yield f"GPUs: {error.text}"
    finally:
        probe.close()


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _first(file: str, key: str) -> str:
    for line in _text(file).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"


def _text(file: str) -> str:
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _lines(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def as_json(value: object) -> str:
    """Return a value as JSON for people to read."""
    return json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n"
