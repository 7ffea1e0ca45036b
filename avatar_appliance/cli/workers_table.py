"""Workers of the running appliance as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from avatar_appliance.config.size import format_size

from .duration import format_duration

_STYLES = {"ready": "green", "failed": "red", "stopped": "dim"}


def workers_table(workers: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of what `GET /api/workers` lists."""
    # Names are typed by the owner, and states and sizes compared: never cut, also not in 80 columns.
    whole = [Column(header, no_wrap=True) for header in ("worker", "state", "device")]
    numbers = [Column(header, justify="right", no_wrap=True) for header in ("memory", "users", "prio")]
    table = Table(*whole, *numbers, "engine", "", box=None, pad_edge=False)
    for worker in workers:
        style = _STYLES.get(worker["state"], "yellow")
        table.add_row(
            worker["name"],
            f"[{style}]{worker['state']}[/]",
            worker["device"] or "",
            "" if worker["external"] else _memory(worker["memory"]),
            str(worker["leases"] or ""),
            "" if worker["external"] else str(worker["priority"]),
            worker["engine"],
            escape(", ".join(_remarks(worker))),
        )
    return table


def _memory(memory: Mapping[str, Any]) -> str:
    if memory["charged_bytes"]:
        return format_size(memory["charged_bytes"])
    return f"({'' if memory['measured'] else '~'}{format_size(memory['rest_bytes'])})"


def _remarks(worker: Mapping[str, Any]) -> list[str]:
    remarks = []
    if worker["external"]:
        remarks.append("runs elsewhere")
    if worker["progress"]:
        remarks.append(worker["progress"])
    if worker["pinned"]:
        remarks.append("pinned")
    if worker["held_down"]:
        remarks.append("stopped by its owner")
    if worker["draining"]:
        remarks.append("stops when its last request ends")
    if worker["idle_s"] is not None and worker["idle_s"] >= 60:
        remarks.append(f"idle {format_duration(worker['idle_s'], units=1)}")
    if worker["last_error"] and worker["state"] != "ready":
        remarks.append(worker["last_error"])
    if worker["retry_in_s"] is not None:
        remarks.append(f"tried again in {format_duration(worker['retry_in_s'])}")
    return remarks
