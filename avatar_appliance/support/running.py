"""What the running appliance says about itself, and what the doctor finds."""

from __future__ import annotations

import logging
from typing import Any

from avatar_appliance.client.admin import admin_client
from avatar_appliance.config import Settings
from avatar_appliance.doctor import examine
from avatar_appliance.errors import AvatarError, WorkerUnavailable
from avatar_appliance.log import log_defect

from .machine import as_json
from .part import Part
from .scrubber import Scrubber

_log = logging.getLogger(__name__)

_RESOURCES = {"health": "/health", "system": "/api/system/info", "vram": "/api/vram"}


def appliance_state(settings: Settings, scrubber: Scrubber) -> Part:
    """Return health, processes, memory and workers from the HTTP API; why not, where nobody answers."""
    found: dict[str, Any] = {}
    try:
        with admin_client(settings) as appliance:
            for name, path in _RESOURCES.items():
                try:
                    found[name] = appliance.get(path)
                except WorkerUnavailable:
                    raise
                except AvatarError as error:
                    found[name] = error.as_dict()
    except AvatarError as error:
        found["not running"] = error.as_dict()
    about = "health, processes (those of others on a GPU, too), memory and workers of the running appliance"
    return Part("appliance.json", about, as_json(scrubber.tree(found)))


async def doctor(settings: Settings, scrubber: Scrubber) -> Part:
    """Return what `avatar doctor` finds."""
    lines = []
    try:
        async for finding in examine(settings):
            lines.append(f"{finding.severity.value:8} {finding.check}: {finding.text}")
            if finding.fix:
                lines.append(f"         -> {finding.fix}")
    except Exception as error:  # noqa: BLE001 - a doctor that breaks is itself worth reporting, without its text
        log_defect(_log, "the doctor broke", error)
        lines.append(f"The doctor broke: {type(error).__name__}")
    return Part("doctor.txt", "what `avatar doctor` finds", scrubber.text("\n".join(lines) + "\n"))
