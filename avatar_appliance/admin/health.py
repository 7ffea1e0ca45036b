"""Is the appliance fit for use? One word for monitors, and nothing they could not see from outside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .store_probe import StoreProbe
from .system_info import ProcessInfo, ProcessRole, System

Status = Literal["ok", "degraded", "down"]

# A worker that was unloaded comes back when it is needed; that is no trouble.
_FIT: frozenset[str] = frozenset({"ready", "sleeping", "stopped"})


@dataclass(frozen=True, slots=True)
class Health:
    """The worst of the three parts is the status of the whole; only `down` is a failed check (503)."""

    status: Status
    store: Status
    servers: Status
    workers: Status


class HealthCheck:
    """Judges the store (by writing), the Wyoming servers (all must be ready) and the workers."""

    def __init__(self, store: StoreProbe, system: System) -> None:
        """Use these two sources."""
        self._store = store
        self._system = system

    async def check(self) -> Health:
        """Return the health of this moment; cheap enough for every second."""
        store: Status = "ok" if await self._store.is_writable() else "down"
        processes = self._system.processes()
        servers = _servers(processes)
        workers = _workers(processes)
        order: tuple[Status, ...] = ("ok", "degraded", "down")
        return Health(max(store, servers, workers, key=order.index), store, servers, workers)


def _servers(processes: Iterable[ProcessInfo]) -> Status:
    # One that is still starting counts too: nobody can use it yet, and whoever deploys waits for "up".
    return "ok" if all(each.state == "ready" for each in processes if each.kind == "server") else "down"


def _workers(processes: Iterable[ProcessInfo]) -> Status:
    """Degraded when one has failed, or when a role has none that could work now."""
    by_role: dict[ProcessRole | None, list[str]] = defaultdict(list)
    for each in processes:
        if each.kind == "worker":
            by_role[each.role].append(each.state)
    fit = all(
        "failed" not in states and not _FIT.isdisjoint(states) for states in by_role.values()
    )  # fmt: skip
    return "ok" if fit else "degraded"
