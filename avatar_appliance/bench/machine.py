"""Facts about the machine that a figure means little without. No host name, no user name, no address."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from .report import MachineFacts


def machine_facts(proc: Path = Path("/proc")) -> MachineFacts:
    """Return what this machine is; what cannot be found out is "unknown"."""
    return MachineFacts(
        cpu=_first(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", proc / "cpuinfo") or platform.machine() or "unknown",
        cpus=os.cpu_count() or 1,
        usable_cpus=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        gpus=tuple(
            model
            for file in sorted((proc / "driver/nvidia/gpus").glob("*/information"))
            if (model := _first(r"^Model:\s*(.+)$", file))
        ),
        os=_os_name(),
        kernel=platform.release(),
        architecture=platform.machine(),
        python=platform.python_version(),
    )


def load_average() -> tuple[float, float, float]:
    """Return the load over 1, 5 and 15 minutes."""
    one, five, fifteen = os.getloadavg()
    return round(one, 2), round(five, 2), round(fifteen, 2)


def _first(pattern: str, file: Path) -> str | None:
    try:
        found = re.search(pattern, file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    except OSError:
        return None
    return found.group(1).strip() if found else None


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()
