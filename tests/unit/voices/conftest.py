"""Voice profiles over a real database, real files, the real studio and workers on real sockets."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # for `voice_harness`

from voice_harness.house import VoiceHouse


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[VoiceHouse]:
    """Profiles and workers, all of which are up."""
    async with VoiceHouse.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def open_house(tmp_path: Path) -> Callable[..., contextlib.AbstractAsyncContextManager[VoiceHouse]]:
    """Open the same house, once or after one another, with other settings."""

    def opened(**settings: Any) -> contextlib.AbstractAsyncContextManager[VoiceHouse]:
        return VoiceHouse.open(tmp_path, **settings)

    return opened
