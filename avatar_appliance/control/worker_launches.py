"""From the configuration to what brings each worker up."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from avatar_appliance.config import Settings
from avatar_appliance.config.gpu_workers import VllmWorker
from avatar_appliance.config.local_worker import LocalWorker
from avatar_appliance.config.workers import socket_path
from avatar_appliance.coordinator.launching import Launchable, launchable
from avatar_appliance.coordinator.specs import used_workers
from avatar_appliance.engines import EngineMissing, worker_environment, worker_python
from avatar_appliance.processes import ProcessSpec

_LOGGER = logging.getLogger(__name__)


def worker_launches(
    settings: Settings, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> dict[str, Launchable]:
    """Return what brings up each local worker that a ladder uses, by name.

    `arguments` go to `python -m wyoming_servers` before `worker NAME`, `environment` to every process. (A manager of
    systemd units needs neither: both are in the unit.)
    """
    launches = {}
    for name, worker in used_workers(settings).items():
        if not isinstance(worker, LocalWorker):
            continue
        spec = ProcessSpec(
            name=name,
            role="worker",
            argv=(str(_python(settings, name)), "-m", "wyoming_servers", *arguments, "worker", name),
            env={**(environment or {}), **worker_environment(settings, name)},
            start_timeout_s=worker.start_timeout_s,
            restart=False,
        )
        sleep_level = worker.sleep_level if isinstance(worker, VllmWorker) else 0
        socket = socket_path(settings.paths.runtime_dir, name)
        launches[name] = launchable(spec, worker.role, socket, sleeps=sleep_level > 0, sleep_level=sleep_level or 1)
    return launches


def _python(settings: Settings, name: str) -> Path:
    try:
        return worker_python(settings, name)
    except EngineMissing as error:
        # It fails at its start, and its ladder goes on below: the others must not wait for an installation.
        _LOGGER.warning("%s (%s)", error.text, error.hint)
        return Path(sys.executable)
