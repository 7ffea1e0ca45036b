"""Announce each server once it can be used: Home Assistant fixes what it finds at that moment."""

from __future__ import annotations

import asyncio
import logging

from wyoming.info import Info

from avatar_appliance.client import Endpoint, describe
from avatar_appliance.config import Settings
from avatar_appliance.discovery import Announcer, ServiceAnnouncement
from avatar_appliance.errors import AvatarError

_LOGGER = logging.getLogger(__name__)

ROLES = ("asr", "tts", "conversation")
PROBE_INTERVAL_S = 0.5
WATCH_INTERVAL_S = 10.0


class Announcing:
    """Waits for each role's real offer, then announces it; `usable` tells which roles are there."""

    def __init__(self, settings: Settings, announcer: Announcer) -> None:
        self._settings = settings
        self._announcer = announcer
        self.usable: set[str] = set()
        self._changed = asyncio.Event()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses that are announced, best first; empty where nothing is."""
        return self._announcer.status().addresses

    async def run(self) -> None:
        """Probe every role for ever, and announce it once it is usable."""
        async with asyncio.TaskGroup() as group:
            for role in ROLES:
                group.create_task(self._watch(role), name=f"announce {role}")

    async def wait_all(self) -> None:
        """Wait until every role is usable."""
        while len(self.usable) < len(ROLES):
            self._changed.clear()
            await self._changed.wait()

    async def _watch(self, role: str) -> None:
        endpoint = local_endpoint(self._settings, role)
        announced = not self._settings.discovery.enabled
        while True:
            try:
                usable = is_usable(role, await describe(endpoint))
            except AvatarError as error:
                _LOGGER.debug("%s is not usable: %s", role, error.code)
                usable = False
            if usable:
                self.usable.add(role)
                self._changed.set()
            else:
                self.usable.discard(role)
            if usable and not announced:
                # It stays announced while its server restarts: Home Assistant keeps the entry anyway.
                announced = True
                await self._announcer.announce(
                    ServiceAnnouncement(role=role, port=endpoint.port, title=self._settings.house.name)
                )
            await asyncio.sleep(WATCH_INTERVAL_S if usable else PROBE_INTERVAL_S)


def is_usable(role: str, info: Info) -> bool:
    """Return whether Home Assistant could set the server up: a TTS without voices would get no entity at all."""
    match role:
        case "asr":
            return any(p.installed for p in info.asr)
        case "tts":
            return any(p.installed and p.voices for p in info.tts)
        case _:
            return any(p.installed for p in info.handle)


def local_endpoint(settings: Settings, role: str) -> Endpoint:
    """Return where this machine reaches its own server of `role`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return Endpoint(host, getattr(settings, role).port)
