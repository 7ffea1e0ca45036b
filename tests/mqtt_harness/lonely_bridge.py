"""A bridge in a process of its own, to be killed: `python -m mqtt_harness.lonely_bridge PORT`."""

from __future__ import annotations

import asyncio
import sys

from avatar_appliance.config.mqtt import MqttSettings
from avatar_appliance.mqtt.bridge import MqttBridge
from avatar_appliance.mqtt.entities import ENGLISH
from avatar_appliance.mqtt.topics import Topics
from avatar_appliance.turns.turn_feed import TurnFeed


async def main(port: int) -> None:
    """Stay connected until killed."""
    topics = Topics("avatar", "homeassistant", "0123abcd")
    bridge = MqttBridge(MqttSettings(host="127.0.0.1", port=port), topics, TurnFeed(), None, ENGLISH)
    async with bridge.running():
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
