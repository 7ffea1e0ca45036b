"""A bridge around a real coordinator on a scripted card, and a real history."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shell_harness import GIB, Script, ScriptedCard, ScriptedLauncher

from avatar_appliance.config.mqtt import MqttSettings
from avatar_appliance.coordinator.commands import CoordinatorCommands
from avatar_appliance.coordinator.coordinator import Coordinator
from avatar_appliance.coordinator.memory_meter import MemoryMeter
from avatar_appliance.coordinator.policy import SchedulerPolicy
from avatar_appliance.coordinator.scheduler import Scheduler
from avatar_appliance.coordinator.worker_spec import WorkerSpec
from avatar_appliance.mqtt.bridge import MqttBridge
from avatar_appliance.mqtt.entities import Words, words
from avatar_appliance.mqtt.topics import Topics
from avatar_appliance.store import AudioStore, Database, TurnRepository
from avatar_appliance.turns import TurnJoiner
from avatar_appliance.turns.turn_feed import TurnFeed

TOPICS = Topics("avatar", "homeassistant", "0123abcd")
NAMES = ("f5", "piper")


def spec(name: str) -> WorkerSpec:
    """A voice of 2 GiB that is there from the start."""
    return WorkerSpec(
        name=name, role="tts", devices=("cuda:0",), rest_bytes=2 * GIB, peak_bytes=2 * GIB, start_s=0.1, preload=True
    )


@dataclass
class House:
    """What a test can do to the house behind the bridge."""

    bridge: MqttBridge
    coordinator: Coordinator
    launcher: ScriptedLauncher
    card: ScriptedCard
    joiner: TurnJoiner


@contextlib.asynccontextmanager
async def house(
    port: int, folder: Path, *, names: tuple[str, ...] = NAMES, language: str = "en", **settings: Any
) -> AsyncIterator[House]:
    """Run one whose bridge talks to the broker at `port`, if any is there."""
    card = ScriptedCard()
    launcher = ScriptedLauncher(card, {name: Script(2 * GIB) for name in names})
    policy = SchedulerPolicy(min_residency_s=0, redeclare_grace_s=0.05)
    coordinator = Coordinator(
        Scheduler([spec(name) for name in names], policy),
        launcher,
        MemoryMeter(card, launcher.pids, lambda _: None),
        tick_s=0.02,
    )
    commands = CoordinatorCommands(coordinator, dict.fromkeys(names, "fake"), ())
    feed = TurnFeed()
    spoken: Words = words(language)
    bridge = MqttBridge(MqttSettings(**{"host": "127.0.0.1", "port": port, **settings}), TOPICS, feed, commands, spoken)
    async with Database.open(folder / "avatar.db") as database:
        turns = TurnRepository(database, AudioStore(folder / "audio", min_free_bytes=0))
        joiner = TurnJoiner(turns, None, clock=time.time, on_change=feed.put)
        async with coordinator.running(), bridge.running():
            yield House(bridge, coordinator, launcher, card, joiner)
