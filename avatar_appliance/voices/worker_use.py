"""Other workers in the service of a check: the coordinator says which is up, and a lease is held meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from avatar_appliance.client.endpoint import AnyEndpoint, Endpoint, UnixEndpoint
from avatar_appliance.config import Settings
from avatar_appliance.config.workers import WyomingWorker, socket_path
from avatar_appliance.errors import CoordinatorAway, WorkerUnavailable
from avatar_appliance.leases import Urgency
from avatar_appliance.leases.client import LeaseClient

# A check is nobody's turn: it waits for room as long as a lease may.
_WAIT_S = 60.0


class Workers(Protocol):
    """What checks need of the models."""

    def use(self, ladder: Sequence[str]) -> contextlib.AbstractAsyncContextManager[tuple[str, AnyEndpoint]]:
        """Give the name of the best worker of `ladder` that can be had, and where it listens."""
        ...


class LeasedWorkers:
    """Workers by lease, in the background; while the coordinator is away, whichever of the ladder is up."""

    def __init__(self, settings: Settings, leases: LeaseClient) -> None:
        """`leases` is run by the caller."""
        self._leases = leases
        self._endpoints = {
            name: endpoint
            for name, worker in settings.workers.items()
            if (endpoint := _endpoint(name, worker, settings.paths.runtime_dir)) is not None
        }

    @contextlib.asynccontextmanager
    async def use(self, ladder: Sequence[str]) -> AsyncIterator[tuple[str, AnyEndpoint]]:
        """Give the best worker of `ladder`; raises WorkerUnavailable or why the coordinator denied it."""
        if not ladder:
            raise WorkerUnavailable("no such worker is configured")
        try:
            lease = await self._leases.request(ladder, urgency=Urgency.BACKGROUND, wait_s=_WAIT_S)
        except CoordinatorAway:
            name = await self._up(ladder)
            lease = self._leases.hold(name, Urgency.BACKGROUND)
        async with lease:
            yield lease.worker, self._endpoints[lease.worker]

    async def _up(self, ladder: Sequence[str]) -> str:
        for name in ladder:
            with contextlib.suppress(WorkerUnavailable):
                async with self._endpoints[name].connect():
                    return name
        raise WorkerUnavailable("none of the workers is up")


def _endpoint(name: str, worker: object, runtime_dir: Path) -> AnyEndpoint | None:
    if not isinstance(worker, WyomingWorker):
        return UnixEndpoint(socket_path(runtime_dir, name))
    parts = urlsplit(worker.uri)
    if parts.scheme == "unix":
        return UnixEndpoint(Path(parts.path))
    if parts.hostname is None or parts.port is None:
        return None
    return Endpoint(parts.hostname, parts.port)
