"""What is going on stands on one page, in both languages, as it changes; and what a person may do about it is there."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from datetime import UTC, datetime
from typing import get_args

import pytest
from fastapi import FastAPI
from playwright.async_api import Dialog, Page, Route, expect
from unit.admin.conftest import FakeSystem
from unit.admin.fake_coordinator import RAM, FakeCoordinator

from avatar_appliance.admin.system_info import SystemInfo, SystemProblem
from avatar_appliance.admin.views.panel import STATIC
from avatar_appliance.coordinator.control_errors import CommandRefused
from avatar_appliance.coordinator.decision import DecisionKind
from avatar_appliance.coordinator.slot_state import SlotState
from avatar_appliance.discovery.status import AnnouncedService, DiscoveryStatus

from .conftest import PATIENCE_MS, OpenPage


def trouble(system: FakeSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the box announce a server, and the canary find something wrong."""
    ask = system.info

    async def info() -> SystemInfo:
        return dataclasses.replace(
            await ask(),
            discovery=DiscoveryStatus(
                running=True,
                machine_id="0" * 32,
                services=(AnnouncedService("asr", "Home ASR", 10300, announced=True),),
                addresses=("192.0.2.7", "2001:db8::7"),
            ),
            problems=[
                SystemProblem(
                    code="canary-failed", text="piper is mute", hint="It is restarted.", since=datetime.now(UTC),
                    worker="piper",
                )
            ],
        )  # fmt: skip

    monkeypatch.setattr(system, "info", info)


WORDS = {
    "en": {
        ".well [role=status]": "It works, but not everything is as it should be.",
        "[data-trouble='canary-failed piper']": "The models do not understand each other any more.",
        "[data-trouble=cosyvoice]": "It is tried again in 42 sec.",
        "[data-server=avatar-tts]": "Text to speech ready",
        "[data-worker=vllm] .state": "at work",
        "[data-worker=cosyvoice] .state": "failed",
        "[data-worker=piper] .state": "ready",
        "[data-worker=big-llm] .state": "runs elsewhere",
        "[data-device='cuda:0'] [data-part=others]": "others (cs2 1 GiB) 1 GiB",
        "[data-device='cuda:0'] [data-part=room]": "free 12 GiB",
        "[data-lease=tts-1]": "tts has waited 0.3 s for cosyvoice, piper, and waits 1.8 s more at most.",
        "[data-service=asr]": "[2001:db8::7]:10300",
        "[data-disk=state]": "10 B free of 20 B",
    },
    "zh-TW": {
        ".well [role=status]": "可以使用，但有些地方不對。",
        "[data-trouble='canary-failed piper']": "模型之間聽不懂彼此的話了。",
        "[data-trouble=cosyvoice]": "42 秒 後再試。",
        "[data-server=avatar-tts]": "語音合成 就緒",
        "[data-worker=vllm] .state": "工作中",
        "[data-worker=cosyvoice] .state": "失敗",
        "[data-worker=piper] .state": "就緒",
        "[data-worker=big-llm] .state": "在別處執行",
        "[data-device='cuda:0'] [data-part=others]": "其他程式（cs2 1 GiB） 1 GiB",
        "[data-device='cuda:0'] [data-part=room]": "空閒 12 GiB",
        "[data-lease=tts-1]": "tts 為了 cosyvoice, piper 已等了 0.3 秒，最多再等 1.8 秒。",
        "[data-service=asr]": "[2001:db8::7]:10300",
        "[data-disk=state]": "剩餘 10 B，共 20 B",
    },
}


@pytest.mark.parametrize("language", ["en", "zh-TW"])
async def test_every_state_is_told_in_words(
    open_page: OpenPage, system: FakeSystem, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    trouble(system, monkeypatch)
    async with open_page("/", language=language) as page:
        for place, words in WORDS[language].items():
            await expect(page.locator(place)).to_contain_text(words)
        bar = page.locator("[data-device='cuda:0'] [role=img]")
        await expect(bar).to_have_attribute("aria-label", re.compile("^vllm 8 GiB, "))
        shares = await bar.locator("span").evaluate_all("parts => parts.map((part) => part.style.flexGrow / 2 ** 30)")
        assert shares == pytest.approx([8, 1, 12, 2.5], rel=1e-3)


async def test_when_all_is_well_it_says_so(open_page: OpenPage, coordinator: FakeCoordinator) -> None:
    coordinator.workers = [each for each in coordinator.workers if each.state is not SlotState.FAILED]
    async with open_page("/") as page:
        await expect(page.get_by_role("status")).to_have_text("All is well.")
        await expect(page.locator("[data-trouble]")).to_have_count(0)


async def test_a_box_that_cannot_speak_says_which_server_is_missing(open_page: OpenPage, system: FakeSystem) -> None:
    system.servers["tts"] = "failed"
    async with open_page("/") as page:
        await expect(page.get_by_role("status")).to_have_text("The house cannot speak with it now.")
        await expect(page.locator("[data-trouble=avatar-tts]")).to_contain_text("Text to speech: failed")


async def test_without_a_gpu_there_is_a_sentence_and_no_guest_mode(
    open_page: OpenPage, coordinator: FakeCoordinator
) -> None:
    coordinator.devices = [RAM]
    async with open_page("/") as page:
        await expect(page.locator("[data-no-gpu]")).to_contain_text("There is no GPU here")
        await expect(page.locator("[data-device]")).to_have_count(1)
        await expect(page.locator("[data-guest]")).to_have_count(0)


async def test_guest_mode_is_switched(open_page: OpenPage, coordinator: FakeCoordinator) -> None:
    async with open_page("/") as page:
        guest = page.locator("[data-guest]")
        await expect(guest.get_by_role("button", name="Automatic")).to_have_attribute("aria-pressed", "true")
        await guest.get_by_role("button", name="On for 2 hours").click()
        await expect(guest.locator(".state")).to_have_text(re.compile("^On: others have the GPUs until .*[0-9]"))
        await guest.get_by_role("button", name="On until I end it").click()
        await expect(guest.locator(".state")).to_have_text("On: others have the GPUs until somebody changes it")
        await guest.get_by_role("button", name="Automatic").click()
        await expect(guest).to_have_attribute("data-guest", "auto")
    assert coordinator.commands == [
        ("guest_mode", "on", 7200.0),
        ("guest_mode", "on", None),
        ("guest_mode", "auto", None),
    ]


async def test_a_decision_appears_as_it_is_taken(open_page: OpenPage, coordinator: FakeCoordinator) -> None:
    """By the stream: the page never hears of it otherwise here."""
    coordinator.decide("vllm is ready with 8 GiB", worker="vllm")

    async with open_page("/") as page:
        first = await (await page.context.request.get(f"{page.url}api/vram")).json()

        async def as_before(route: Route) -> None:
            await route.fulfill(body=json.dumps(first), content_type="application/json")

        await page.route("**/api/vram", as_before)
        await expect(page.locator("[data-stream=live]")).to_be_visible()
        await expect(page.locator(".decisions > li")).to_have_count(1)
        coordinator.decide("cosyvoice starts on cuda:0", at_s=9.0, worker="cosyvoice")
        newest = page.locator(".decisions > li").first
        await expect(newest).to_contain_text("loads cosyvoice cosyvoice starts on cuda:0")
        await expect(page.locator(".decisions > li")).to_have_count(2)


async def test_a_page_that_nobody_sees_keeps_no_stream_and_catches_up(
    open_page: OpenPage, coordinator: FakeCoordinator, app: FastAPI
) -> None:
    async def is_hidden(page: Page, hidden: bool) -> None:
        await page.evaluate(
            "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
            " document.dispatchEvent(new Event('visibilitychange')); }",
            hidden,
        )

    async with open_page("/") as page:
        await expect(page.locator("[data-stream=live]")).to_be_visible()
        assert len(app.state.event_streams) == 1
        await is_hidden(page, True)
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while app.state.event_streams:
                await page.wait_for_timeout(20)
        coordinator.decide("piper was found running")
        await is_hidden(page, False)
        await expect(page.locator(".decisions")).to_contain_text("piper was found running")
        await expect(page.locator("[data-stream=live]")).to_be_visible()


async def test_models_are_loaded_kept_and_unloaded_and_force_is_asked_about(
    open_page: OpenPage, coordinator: FakeCoordinator
) -> None:
    asked: list[str] = []

    async def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await (dialog.dismiss() if len(asked) == 1 else dialog.accept())

    async def press(page: Page, worker: str, name: str) -> None:
        await page.locator(f"[data-worker={worker}]").get_by_role("button", name=name, exact=True).click()

    async with open_page("/") as page:
        page.on("dialog", answer)
        await expect(page.locator("[data-worker=big-llm] button")).to_have_count(0)
        await press(page, "vllm", "Unload at once")
        assert asked == ["2 requests use vllm now and would break off. Unload it at once?"]
        assert coordinator.commands == []
        for worker, name in (("vllm", "Unload at once"), ("vllm", "Keep"), ("cosyvoice", "Load"), ("piper", "Let go")):
            await press(page, worker, name)
            await expect(page.locator(f"[data-worker={worker}] button[aria-busy=true]")).to_have_count(0)
    assert coordinator.commands == [
        ("stop", "vllm", True), ("pin", "vllm", True), ("start", "cosyvoice"), ("pin", "piper", False),
    ]  # fmt: skip


async def test_a_refusal_is_shown_at_the_model(open_page: OpenPage, coordinator: FakeCoordinator) -> None:
    coordinator.refusal = CommandRefused("piper is in use")
    async with open_page("/") as page:
        await page.locator("[data-worker=piper]").get_by_role("button", name="Unload").click()
        await expect(page.locator("[data-worker=piper]").get_by_role("alert")).to_contain_text("piper is in use")


async def test_a_box_that_does_not_answer_is_told(open_page: OpenPage) -> None:
    async with open_page("/") as page:
        await expect(page.locator("[data-worker=piper]")).to_be_visible()
        await page.context.set_offline(True)
        await expect(page.get_by_role("alert")).to_contain_text("The box does not answer.")
        await page.context.set_offline(False)
        await expect(page.get_by_role("alert")).to_have_count(0)


def test_the_page_listens_for_every_kind_of_decision_and_has_a_word_for_it() -> None:
    source = (STATIC / "parts/home/use_decisions.js").read_text("utf-8")
    listed = re.search(r"KINDS = \[(.*?)\]", source, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r'"([\w-]+)"', listed[1])) == set(get_args(DecisionKind))
    for language in ("en", "zh-TW"):
        texts = (STATIC / "text" / f"{language}.js").read_text("utf-8")
        assert all(f'"decision-{kind}":' in texts for kind in get_args(DecisionKind))
