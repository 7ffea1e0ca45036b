"""The panel in a real browser (Chromium), against the real application; what the application works with is made up."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, Page, expect

from avatar_appliance.admin.app import create_app
from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.admin.server import serve
from avatar_appliance.admin.token import OwnerToken
from avatar_appliance.client import WavAudio
from avatar_appliance.pronunciations import HouseholdPronunciations, pronunciations_path
from avatar_appliance.store import Store

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the harnesses and `unit`

from panel_harness.chromium import CHROMIUM, chromium
from unit.admin.conftest import FakeSystem, coordinator, owner, save_turn, spoken_so_far, store, system, token
from unit.admin.fake_coordinator import FakeCoordinator
from voice_harness.house import VoiceHouse, good

__all__ = ["coordinator", "owner", "save_turn", "store", "system", "token"]

PATIENCE_MS = 30_000
OpenPage = Callable[..., Any]
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def microphone(tmp_path: Path) -> Path:
    """What the microphone hears, again and again."""
    file = tmp_path / "microphone.wav"
    file.write_bytes(good())
    return file


@pytest.fixture
async def browser(microphone: Path) -> AsyncIterator[Browser]:
    """A Chromium with that microphone; without one the test is skipped."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    async with chromium(microphone) as running:
        yield running


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[VoiceHouse]:
    """The household's voices."""
    async with VoiceHouse.open(tmp_path / "house") as opened:
        yield opened


@pytest.fixture
def said() -> list[tuple[str, str | None]]:
    """What the panel had said, and in which voice."""
    return []


@pytest.fixture
def app(
    store: Store,
    owner: OwnerToken,
    system: FakeSystem,
    coordinator: FakeCoordinator,
    house: VoiceHouse,
    said: list[tuple[str, str | None]],
    tmp_path: Path,
) -> FastAPI:
    """The application."""

    async def say(text: str, voice: str | None, language: str | None) -> WavAudio:
        said.append((text, voice))
        return WavAudio(rate_hz=24_000, width_bytes=2, channels=1, pcm=bytes(24_000))

    deps = AdminDependencies(
        store=store,
        token=owner,
        system=system,
        coordinator=coordinator,
        pronunciations=HouseholdPronunciations(pronunciations_path(tmp_path / "state")),
        speech_figures=spoken_so_far,
        voices=house.voices,
        say=say,
    )
    return create_app(deps)


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    """Where the panel is."""
    async with serve(app, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def open_page(browser: Browser, url: str, token: str) -> OpenPage:
    """Open a page as `async with open_page("/voices", language="zh-TW")`: signed in, with no trouble in its console."""

    @asynccontextmanager
    async def opened(path: str, *, language: str = "en", signed_in: bool = True) -> AsyncIterator[Page]:
        context = await browser.new_context(locale=language, permissions=["microphone"])
        context.set_default_timeout(PATIENCE_MS)
        if signed_in:
            answer = await context.request.post(
                f"{url}/api/session", headers={"Authorization": f"Bearer {token}", "Origin": url}
            )
            assert answer.status == 204
        page = await context.new_page()
        trouble: list[str] = []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        await page.goto(url + path)
        yield page
        # What the API refused is shown on the page, and by the browser in its console.
        assert [each for each in trouble if "Failed to load resource" not in each] == []
        await context.close()

    return opened
