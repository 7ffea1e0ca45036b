"""A broker, and a listener on it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `mqtt_harness`
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "coordinator"))  # for `shell_harness`

from mqtt_harness import Broker, Listener


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that lets everybody in."""
    running = Broker(tmp_path / "broker")
    running.start()
    yield running
    running.stop()


@pytest.fixture
async def listener(broker: Broker) -> AsyncIterator[Listener]:
    """Somebody who hears everything."""
    async with Listener.at(broker.port) as running:
        yield running
