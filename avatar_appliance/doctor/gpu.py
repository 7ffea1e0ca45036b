"""Is there a GPU where workers want one, and can everything about it be read?"""

from __future__ import annotations

import asyncio

from avatar_appliance.config import Settings
from avatar_appliance.coordinator.device import DeviceReading, is_gpu
from avatar_appliance.coordinator.probes import ProbeFailed
from avatar_appliance.coordinator.probes.machine import make_probe
from avatar_appliance.errors import AvatarError

from .finding import Finding, Severity

_GIB = 2**30


async def gpu(settings: Settings) -> list[Finding]:
    """Return what the driver says, and the probe's remarks; nothing where no worker could use a GPU and none is there.

    Initialising the driver can take seconds.
    """
    try:
        readings, notes = await asyncio.to_thread(_look, settings)
    except ProbeFailed as error:
        return [Finding("gpu", Severity.PROBLEM, error.text, error.hint)]
    except AvatarError as error:
        return [Finding("gpu", Severity.PROBLEM, error.text, error.hint)]
    cards = [reading for reading in readings if is_gpu(reading.device)]
    return judge(settings, cards, notes)


def judge(settings: Settings, cards: list[DeviceReading], notes: list[str]) -> list[Finding]:
    """Return the findings for these GPUs and remarks."""
    wanting = [
        name for name, worker in settings.workers.items() if str(getattr(worker, "device", "cpu")).startswith("cuda")
    ]
    findings = [
        Finding(
            "gpu",
            Severity.FINE,
            f"{card.device}: {card.name}, {card.used_bytes / _GIB:.1f} of {card.total_bytes / _GIB:.1f} GiB in use",
        )
        for card in cards
    ]
    if wanting and not cards:
        fix = "Install the driver (`site_nvidia_driver: true`, docs/ansible.md), or give these workers `device: auto`."
        text = f"there is no GPU, and {', '.join(wanting)} run on nothing else"
        findings.append(Finding("gpu", Severity.PROBLEM, text, fix))
    if cards or wanting:
        findings += [Finding("gpu", Severity.WARNING, note) for note in notes]
    return findings


def _look(settings: Settings) -> tuple[list[DeviceReading], list[str]]:
    probe = make_probe(None, settings.paths.runtime_dir)
    try:
        return list(probe.read()), list(probe.notes())
    finally:
        probe.close()
