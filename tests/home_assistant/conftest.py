"""The appliance with discovery on, and a Home Assistant that has its three services."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.system.appliance import ROLES, Appliance

from .client import HomeAssistant

DISCOVERY_S = 60.0
NAMES = {"asr": "Speech-to-Text", "tts": "Text-to-Speech", "conversation": "Conversation"}
HOUSE = "Test House"


@dataclass(frozen=True)
class House:
    """What the tests talk to."""

    appliance: Appliance
    home_assistant: HomeAssistant
    entities: dict[str, str]
    """Entity id by domain: stt, tts, conversation."""


@pytest.fixture(scope="session")
def announced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """The appliance on an address Home Assistant can reach, announced by zeroconf."""
    if not (os.environ.get("AVATAR_HA_URL") and os.environ.get("AVATAR_HA_TOKEN")):
        pytest.skip("set AVATAR_HA_URL and AVATAR_HA_TOKEN (a long-lived token) to drive your Home Assistant")
    bind = os.environ.get("AVATAR_HA_BIND", "0.0.0.0")
    appliance = Appliance(
        tmp_path_factory.mktemp("announced"),
        overrides={"host": bind, "house": {"name": HOUSE}, "discovery": {"enabled": True}},
    )
    appliance.host = "127.0.0.1" if bind == "0.0.0.0" else bind
    try:
        appliance.start()
        yield appliance
        assert appliance.stop() == 0
    finally:
        appliance.kill()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(announced: Appliance) -> AsyncIterator[House]:
    """Discovers, accepts, and takes everything away again at the end."""
    async with HomeAssistant(os.environ["AVATAR_HA_URL"], os.environ["AVATAR_HA_TOKEN"]) as home_assistant:
        flows = await _discovered(home_assistant)
        entries: dict[str, str] = {}
        for role in ROLES:
            flow = flows[f"{HOUSE} {NAMES[role]}"]
            done = await home_assistant.post(f"/api/config/config_entries/flow/{flow['flow_id']}")
            assert done["type"] == "create_entry", done
            entries[role] = done["result"]["entry_id"]
        try:
            yield House(announced, home_assistant, await _entities(home_assistant, set(entries.values())))
        finally:
            for entry in entries.values():
                await home_assistant.http.delete(f"/api/config/config_entries/entry/{entry}")


async def _discovered(home_assistant: HomeAssistant) -> dict[str, dict[str, Any]]:
    wanted = {f"{HOUSE} {name}" for name in NAMES.values()}
    async with asyncio.timeout(DISCOVERY_S):
        while True:
            flows = {
                flow["context"].get("title_placeholders", {}).get("name", ""): flow
                for flow in await home_assistant.flows()
            }
            if wanted <= set(flows):
                return flows
            await asyncio.sleep(0.05)


async def _entities(home_assistant: HomeAssistant, entries: set[str]) -> dict[str, str]:
    async with asyncio.timeout(30):
        while True:
            registry = await home_assistant.command("config/entity_registry/list")
            found = {
                entity["entity_id"].split(".")[0]: entity["entity_id"]
                for entity in registry
                if entity["config_entry_id"] in entries
            }
            if {"stt", "tts", "conversation"} <= set(found):
                return found
            await asyncio.sleep(0.05)
