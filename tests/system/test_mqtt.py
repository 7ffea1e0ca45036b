"""The whole appliance at a real broker."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `mqtt_harness`

from mqtt_harness import Broker, Listener

from avatar_appliance.client import converse

from .appliance import Appliance

pytestmark = pytest.mark.system


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path / "broker", {"avatar": "right", "listener": "ears"})
    running.start()
    yield running
    running.stop()


@pytest.fixture
def appliance(tmp_path: Path, broker: Broker) -> Iterator[Appliance]:
    running = Appliance(
        tmp_path,
        overrides={
            "workers": {
                "ears": {"engine": "fake", "fake_role": "asr"},
                "broken": {"engine": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "none"},
                "mind": {"engine": "fake", "fake_role": "llm"},
                "voice": {"engine": "fake", "fake_role": "tts"},
            },
            "asr": {"workers": ["ears"]},
            "tts": {"workers": ["voice"]},
            "conversation": {"workers": ["broken", "mind"]},
            "mqtt": {"host": "127.0.0.1", "port": broker.port, "username": "avatar", "password": "right"},
        },
        arguments=("--no-fetch",),
    )
    yield running
    running.kill()


async def test_a_degraded_turn_is_heard_and_a_sudden_end_is_told_by_the_broker(
    broker: Broker, appliance: Appliance
) -> None:
    async with Listener.at(broker.port, username="listener", password="ears") as listener:
        await asyncio.to_thread(appliance.start)
        await listener.until("avatar/status", lambda said: said == "online")
        answer = await converse(appliance.endpoint("conversation"), "tell me of my safe", language="en")
        assert answer.text
        turn = await listener.until_json("avatar/event/turn", event_type="degraded")
        assert turn["degraded"].startswith("think: ")
        assert "mind" in turn["degraded"]
        assert not [payload for _, payload in listener.heard if "my safe" in payload]
        after = len(listener.heard)
        appliance.kill()
        await listener.until("avatar/status", lambda said: said == "offline", after=after)
