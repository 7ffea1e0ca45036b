"""Somebody talks to a browser, and the voice stands in Home Assistant's list: real models, a real Chromium."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from playwright.async_api import expect

from avatar_appliance.client import describe

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `panel_harness`

from panel_harness.chromium import chromium, needs_chromium

from .appliance import TOKEN, Appliance
from .test_voice_profiles import cloning

__all__ = ["cloning"]

pytestmark = pytest.mark.system

SPOKEN = "and so my fellow americans ask not what your country can do for you"


@needs_chromium
async def test_what_is_said_into_the_browser_becomes_a_voice_in_the_list(
    cloning: Appliance,
    speech_dir: Path,
) -> None:
    async with chromium(speech_dir / "en_jfk.wav") as browser:
        page = await (await browser.new_context(locale="en-GB", permissions=["microphone"])).new_page()
        await page.goto(f"http://127.0.0.1:{cloning.ports['admin']}/voices")
        await page.get_by_label("The owner's token").fill(TOKEN)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("button", name="Add a voice").click()
        await page.get_by_label("Name", exact=True).fill("John")
        await page.get_by_text("The person whose voice this is agrees").click()
        await page.get_by_label("Who agrees").fill("John")
        await page.get_by_role("button", name="Record").click()
        await expect(page.locator("output")).to_have_text("12 s", timeout=60_000)
        await page.get_by_role("button", name="Stop").click()
        await page.get_by_role("button", name="Make the voice").click()
        card = page.locator("[data-voice=john]")
        await expect(card.locator(".state")).to_have_text("says its first sentence", timeout=120_000)
        await page.locator("summary").click()
        heard = await card.locator("blockquote").inner_text()
    # The microphone plays the speech again and again: where the eight seconds that are taken begin is chance.
    words = re.findall("[a-z]+", heard.lower())
    assert len(words) > 8
    assert sum(word in SPOKEN.split() for word in words) / len(words) > 0.7, heard
    info = await describe(cloning.endpoint("tts"))
    assert "john" in {voice.name for program in info.tts for voice in program.voices}
