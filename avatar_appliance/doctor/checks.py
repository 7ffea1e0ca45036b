"""The checks of `avatar doctor`, cheapest first. None changes anything, none leaves the house's network."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from wyoming.info import Info

from avatar_appliance.client import Endpoint, describe
from avatar_appliance.config import Settings
from avatar_appliance.control.announcing import ROLES, local_endpoint
from avatar_appliance.discovery import browse
from avatar_appliance.errors import AvatarError
from avatar_appliance.models import ModelState, ModelStore, load_catalogue
from avatar_appliance.models.needed import needed_models

from .backups import backups
from .engines import engines
from .finding import Finding, Severity
from .gpu import gpu
from .home_assistant import home_assistant
from .mqtt import mqtt
from .privacy import private_folder
from .reported import reported
from .store import store
from .systemd import systemd

FINE, WARNING, PROBLEM = Severity.FINE, Severity.WARNING, Severity.PROBLEM
LEAST_FREE_BYTES = 2 * 10**9
BROWSE_S = 3.0
LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes, and the longest name of ours comes behind


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Yield findings as they are made."""
    yield _models(settings)
    for folder in (settings.paths.state_dir, settings.paths.cache_dir):
        yield _folder(folder)
    yield _runtime(settings.paths.runtime_dir)
    yield private_folder(settings)
    yield store(settings)
    yield backups(settings)
    yield _memory(settings)
    cards = await gpu(settings)
    for finding in (*cards, *engines(settings, has_gpu=any(card.severity is FINE for card in cards))):
        yield finding
    async for finding in systemd():
        yield finding
    if settings.home_assistant.url is not None:
        yield await home_assistant(settings)
    if settings.mqtt.host is not None:
        yield await mqtt(settings)
    for finding in await reported(settings):
        yield finding
    up: dict[str, Info] = {}
    for role in ROLES:
        endpoint = local_endpoint(settings, role)
        try:
            up[role] = await describe(endpoint)
        except AvatarError as error:
            yield _server_down(role, endpoint, error)
        else:
            yield Finding(f"{role} server", FINE, f"answers on port {endpoint.port}: {_summary(role, up[role])}")
    if "tts" in up:
        yield _languages(settings, up["tts"])
    if up:
        async for finding in _discovery(settings):
            yield finding


def _models(settings: Settings) -> Finding:
    models = ModelStore(settings.paths.cache_dir)
    needed = needed_models(settings.workers.values(), load_catalogue())
    missing = [model.name for model in needed if models.state(model) is ModelState.ABSENT]
    if missing:
        return Finding("models", PROBLEM, f"missing: {', '.join(missing)}", "Run `avatar models fetch`.")
    return Finding("models", FINE, f"all {len(needed)} are here")


def _folder(folder: Path) -> Finding:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    if not os.access(existing, os.W_OK):
        return Finding("folder", PROBLEM, f"{folder} is not writable", f"Make it yours: `sudo chown $USER {existing}`.")
    free = shutil.disk_usage(existing).free
    text = f"{folder}: {free / 1e9:.0f} GB free"
    if free < LEAST_FREE_BYTES:
        return Finding("disk", WARNING, text, "Free some space, or lower `store.max_audio_bytes`.")
    return Finding("disk", FINE, text)


def _runtime(folder: Path) -> Finding:
    if len(str(folder).encode()) > LONGEST_SOCKET_PATH - 40:
        return Finding(
            "sockets", PROBLEM, f"{folder} is too long for unix sockets", "Set a shorter `paths.runtime_dir`."
        )
    return Finding("sockets", FINE, f"in {folder}")


def _memory(settings: Settings) -> Finding:
    catalogue = load_catalogue()
    needed = sum(model.ram_bytes for model in needed_models(settings.workers.values(), catalogue))
    available = _available_bytes()
    text = f"models want about {needed / 1e9:.1f} GB, {available / 1e9:.1f} GB are available"
    if available < needed:
        return Finding("memory", WARNING, text, "Choose smaller models, or close other programs.")
    return Finding("memory", FINE, text)


def _available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _server_down(role: str, endpoint: Endpoint, error: AvatarError) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET) as probe:
        probe.settimeout(1)
        taken = probe.connect_ex((endpoint.host, endpoint.port)) == 0
    if taken:
        fix = f"See who it is: `ss -ltnp 'sport = :{endpoint.port}'`; then stop it, or set {role}.port."
        return Finding(f"{role} server", PROBLEM, f"something on port {endpoint.port} speaks no Wyoming", fix)
    return Finding(f"{role} server", PROBLEM, error.text, "Start the appliance: `make run` or `avatar up`.")


def _summary(role: str, info: Info) -> str:
    match role:
        case "asr":
            return ", ".join(model.name for program in info.asr[:1] for model in program.models) or "no model"
        case "tts":
            return f"{sum(len(program.voices) for program in info.tts[:1])} voices"
        case _:
            return ", ".join(program.name for program in info.handle)


def _languages(settings: Settings, info: Info) -> Finding:
    spoken = {tag.split("-")[0].split("_")[0] for p in info.tts for voice in p.voices for tag in voice.languages}
    silent = [tag for tag in settings.house.languages if tag.split("-")[0] not in spoken]
    if silent:
        fix = "Add a worker with such a voice, or take the language out of `house.languages`."
        return Finding("voices", WARNING, f"no voice speaks {', '.join(silent)}", fix)
    return Finding("voices", FINE, f"every language of the house has one ({', '.join(settings.house.languages)})")


async def _discovery(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.discovery.enabled:
        yield Finding("discovery", WARNING, "switched off", "Add the servers in Home Assistant by host and port.")
        return
    try:
        found = await browse(BROWSE_S)
    except AvatarError as error:
        yield Finding("discovery", PROBLEM, error.text, error.hint)
        return
    ports = {getattr(settings, role).port: role for role in ROLES}
    ours = {service.port: service for service in found if service.port in ports}
    for port, role in ports.items():
        service = ours.get(port)
        if service is None:
            fix = f"Other network or VLAN? Add it by hand: Wyoming Protocol, this machine's address, port {port}."
            yield Finding("discovery", WARNING, f"{role} is not announced", fix)
        elif service.chosen_address is None:
            yield Finding(
                "discovery",
                WARNING,
                f"{role} is announced without a usable address",
                "See docs/home-assistant.md.",
            )
        else:
            yield Finding("discovery", FINE, f"Home Assistant would reach {role} at {service.chosen_address}:{port}")
