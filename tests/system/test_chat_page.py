"""Somebody talks with the box from a browser: a real Chromium, its microphone, the real models, the history."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from avatar_appliance.client import WavAudio, synthesize, write_wav

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `panel_harness`

from panel_harness.chromium import chromium, needs_chromium

from .appliance import TOKEN, Appliance, until
from .words import error_rate

pytestmark = pytest.mark.system

QUESTION = "What is the capital of Australia?"
SILENCE_S = 8
PATIENCE_MS = 90_000


@needs_chromium
async def test_a_spoken_question_is_heard_answered_and_remembered(appliance: Appliance, tmp_path: Path) -> None:
    """Nobody presses anything at the end of the question: our own end of speech finds it."""
    asked = (await synthesize(appliance.endpoint("tts"), QUESTION, language="en")).audio
    silence = bytes(SILENCE_S * asked.rate_hz * asked.width_bytes)
    microphone = tmp_path / "microphone.wav"
    write_wav(microphone, WavAudio(asked.rate_hz, asked.width_bytes, asked.channels, asked.pcm + silence))
    url = f"http://127.0.0.1:{appliance.ports['admin']}"
    async with chromium(microphone) as browser:
        context = await browser.new_context(locale="en", permissions=["microphone"])
        context.set_default_timeout(PATIENCE_MS)
        await context.request.post(f"{url}/api/session", headers={"Authorization": f"Bearer {TOKEN}", "Origin": url})
        page = await context.new_page()
        await page.goto(f"{url}/chat")
        await page.get_by_role("button", name="Talk").click()
        await expect(page.locator(".answered")).to_contain_text("Canberra", timeout=PATIENCE_MS)
        heard = await page.locator(".asked").inner_text()
        # The sound plays to its end, and who answered how fast comes from the history.
        await expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=PATIENCE_MS)
        await expect(page.get_by_role("button", name="Send")).to_be_visible(timeout=PATIENCE_MS)
        await expect(page.locator(".turn .facts").first).to_contain_text("first sound after", timeout=PATIENCE_MS)
        await page.reload()
        await expect(page.locator(".answered")).to_contain_text("Canberra", timeout=PATIENCE_MS)
    assert error_rate(QUESTION, heard) <= 0.2

    def joined() -> dict[str, Any] | None:
        turns = appliance.get("/api/turns?satellite=panel")["items"]
        return dict(turns[0]) if len(turns) == 1 and turns[0]["status"] == "ok" else None

    turn = await asyncio.to_thread(until, "one turn from the panel", joined, 20)
    assert turn["transcript"] == heard
    assert turn["answer_delay_ms"] > 0
    assert turn["audio_in"]
    assert turn["audio_out"]
