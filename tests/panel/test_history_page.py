"""What was said is found, heard again and deleted in the browser; nothing of it gets into an address or a log."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.async_api import Dialog, Page, Request, expect
from voice_harness.recordings import wav

from avatar_appliance.store import Stage, Store, Turn, TurnFilter, new_turn_id

from .conftest import OpenPage

MakeTurn = Callable[..., Awaitable[Turn]]
SECOND = wav(np.zeros(44_100, np.float32))
DURATION = """sound => new Promise((done, failed) => {
    sound.addEventListener('loadedmetadata', () => done(sound.duration));
    sound.addEventListener('error', () => failed(sound.error.message));
    sound.preload = 'metadata';
    sound.load();
})"""


async def shows(page: Page, *heard: str) -> None:
    """Wait until the page shows turns with these transcripts, from top to bottom, and no others."""
    await expect(page.locator(".turn .utterance:not(.ours) q")).to_have_text(list(heard))


async def left(store: Store) -> list[str | None]:
    return [turn.transcript for turn in (await store.turns.list(TurnFilter(), limit=50)).items]


async def save_rejected(store: Store, at: float, why: str) -> None:
    turn_id = new_turn_id(at)
    stage = Stage(
        id=turn_id, kind="transcribe", connection_id="c", started_at=at, ended_at=at + 1, detail={"rejected": why}
    )
    turn = Turn(id=turn_id, started_at=at, ended_at=at + 1, stages=(stage,))
    await store.turns.save([turn], new=[turn_id])


async def test_an_empty_history_says_so(open_page: OpenPage) -> None:
    async with open_page("/history") as page:
        await expect(page.get_by_text("Nothing was said yet.")).to_be_visible()
        await expect(page.locator(".turn")).to_have_count(0)


async def test_turns_come_newest_first_and_older_ones_when_asked_for(open_page: OpenPage, save_turn: MakeTurn) -> None:
    for number in range(23):
        await save_turn(1000.0 + 10 * number, transcript=f"number {number}")
    async with open_page("/history") as page:
        await expect(page.locator(".turn")).to_have_count(20)
        await page.get_by_role("button", name="Older ones").click()
        await expect(page.locator(".turn")).to_have_count(23)
        await shows(page, *(f"number {number}" for number in reversed(range(23))))
        await expect(page.get_by_role("button", name="Older ones")).to_have_count(0)
        await save_turn(5000.0, transcript="just now")  # seen without a reload, and nothing older is lost
        await shows(page, "just now", *(f"number {number}" for number in reversed(range(23))))
        page.on("dialog", Dialog.accept)
        await page.locator(".turn").last.get_by_text("Details").click()
        await page.get_by_role("button", name="Delete this turn").click()
        await shows(page, "just now", *(f"number {number}" for number in reversed(range(1, 23))))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", {
            "ok": ["kitchen", "Heard", "Answered", "Not the first choice: piper spoke instead of f5.", "no memory",
                   "first sound after 0.75 s", "2 s in all", "answered"],
            "failed": ["It failed: worker-failed", "failed"],
            "rejected": ["The box heard its own voice.", "nobody's wish"],
            "spoken": ["Said", "Dinner is ready."],
        }),
        ("zh-TW", {
            "ok": ["kitchen", "聽到", "回答", "不是首選： 由 piper 代替 f5 說話。", "no memory",
                   "0.75 s 後發出第一個聲音", "總共 2 s", "已回答"],
            "failed": ["失敗：worker-failed"],
            "rejected": ["機器聽到了自己的聲音。", "不是指令"],
            "spoken": ["說了", "Dinner is ready."],
        }),
    ],
)  # fmt: skip
async def test_a_turn_tells_in_words_what_became_of_it(
    open_page: OpenPage, save_turn: MakeTurn, store: Store, language: str, words: dict[str, list[str]]
) -> None:
    await save_turn(1000.0, satellite_id="assist_satellite.kitchen", degraded="speak: piper instead of f5: no memory")
    await save_turn(2000.0, answer=None, status="failed", error_code="worker-failed")
    await save_rejected(store, 3000.0, "echo")
    await save_turn(4000.0, transcript=None, answer="Dinner is ready.")
    async with open_page("/history", language=language) as page:
        for outcome, said in words.items():
            for each in said:
                await expect(page.locator(f"[data-outcome={outcome}]")).to_contain_text(each)


async def test_the_details_show_each_stage_with_its_times(open_page: OpenPage, save_turn: MakeTurn) -> None:
    await save_turn()
    async with open_page("/history") as page:
        await page.get_by_text("Details").click()
        await expect(page.locator("[data-stage=transcribe]")).to_contain_text("Hear 1.2 s, first output after 0.25 s")
        await expect(page.locator("[data-stage=think]")).to_contain_text("Think 0.3 s")
        bar = page.locator("[data-stage=speak] .span")
        left_and_width = await bar.evaluate("bar => [bar.style.left, bar.style.width]")
        assert left_and_width == ["75%", "25%"]


async def test_a_search_finds_chinese_and_leaves_no_trace(
    open_page: OpenPage, save_turn: MakeTurn, caplog: pytest.LogCaptureFixture
) -> None:
    await save_turn(1000.0, transcript="turn on the light")
    await save_turn(2000.0, transcript="打開客廳的燈")
    caplog.set_level(logging.INFO)
    async with open_page("/history") as page:
        await expect(page.locator(".turn")).to_have_count(2)
        await page.get_by_role("searchbox").fill("客廳")
        await shows(page, "打開客廳的燈")
        assert urlsplit(page.url)[2:] == ("/history", "", "")
        await page.get_by_role("searchbox").fill("廚房")
        await expect(page.get_by_text("Nothing matches.")).to_be_visible()
        await page.get_by_role("searchbox").fill("")
        await expect(page.locator(".turn")).to_have_count(2)
    assert "客廳" not in caplog.text


async def test_satellite_language_and_outcome_narrow_the_list(open_page: OpenPage, save_turn: MakeTurn) -> None:
    kitchen: dict[str, Any] = {"satellite_id": "assist_satellite.kitchen", "conversation_id": "a"}
    await save_turn(1000.0, transcript="one", language="en", **kitchen)
    await save_turn(2000.0, transcript="二", language="zh-TW", **kitchen)
    await save_turn(3000.0, transcript="three", language="en", status="failed", conversation_id="b")
    async with open_page("/history") as page:
        await page.get_by_label("Satellite").select_option(label="kitchen")
        await expect(page.locator(".turn")).to_have_count(2)
        await page.get_by_role("search").get_by_label("Language").select_option(label="Chinese")
        await shows(page, "二")
        await page.get_by_label("Satellite").select_option("")
        await page.get_by_role("search").get_by_label("Language").select_option("")
        await page.get_by_label("How it ended").select_option("failed")
        await shows(page, "three")


async def test_both_sounds_are_fetched_when_they_are_played_and_not_before(
    open_page: OpenPage, save_turn: MakeTurn
) -> None:
    turn = await save_turn(heard=SECOND, spoken=[SECOND])
    fetched: list[str] = []

    def note(request: Request) -> None:
        if "/audio/" in request.url:
            fetched.append(urlsplit(request.url).path)

    async with open_page("/history") as page:
        page.on("request", note)
        await expect(page.locator(".turn audio")).to_have_count(2)
        assert fetched == []
        for label in ("Play what was heard", "Play the answer"):
            assert await page.get_by_label(label).evaluate(DURATION) == pytest.approx(1.0)
    assert {f"/api/turns/{turn.id}/audio/in", f"/api/turns/{turn.id}/audio/out"} == set(fetched)


async def test_deleting_a_turn_asks_first(open_page: OpenPage, save_turn: MakeTurn, store: Store) -> None:
    await save_turn(transcript="a secret")
    asked: list[str] = []

    async def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await (dialog.dismiss() if len(asked) == 1 else dialog.accept())

    async with open_page("/history") as page:
        page.on("dialog", answer)
        await page.get_by_text("Details").click()
        await page.get_by_role("button", name="Delete this turn").click()
        assert asked == ["Delete this turn for good, with its recordings?"]
        assert await left(store) == ["a secret"]
        await page.get_by_role("button", name="Delete this turn").click()
        await expect(page.get_by_text("Nothing was said yet.")).to_be_visible()
    assert await left(store) == []


async def test_a_conversation_is_shown_by_itself_and_deleted_as_one(
    open_page: OpenPage, save_turn: MakeTurn, store: Store
) -> None:
    for at, transcript in ((1000.0, "one"), (2000.0, "two")):
        await save_turn(at, transcript=transcript, conversation_id="talk/1")  # ids may hold a slash
    await save_turn(3000.0, transcript="other")
    async with open_page("/history") as page:
        page.on("dialog", Dialog.accept)
        await page.locator(".turn").nth(1).get_by_text("Details").click()
        await page.get_by_role("button", name="Whole conversation").click()
        await expect(page.get_by_text("One conversation only.")).to_be_visible()
        await expect(page.locator(".turn")).to_have_count(2)
        await page.get_by_role("button", name="Show all").click()
        await expect(page.locator(".turn")).to_have_count(3)
        await page.locator(".turn").nth(1).get_by_text("Details").click()
        await page.get_by_role("button", name="Delete the conversation").click()
        await expect(page.locator(".turn")).to_have_count(1)
    assert await left(store) == ["other"]


async def test_many_are_deleted_only_after_they_were_counted(
    open_page: OpenPage, save_turn: MakeTurn, store: Store
) -> None:
    kitchen = {"satellite_id": "assist_satellite.kitchen", "conversation_id": "a"}
    await save_turn(1000.0, transcript="one", **kitchen)
    await save_turn(2000.0, transcript="two", **kitchen)
    await save_turn(3000.0, transcript="other")
    async with open_page("/history") as page:
        await page.get_by_role("button", name="Delete many").click()
        dialog = page.locator("dialog")
        await expect(dialog.get_by_role("button", name="See how many")).to_be_disabled()
        await dialog.get_by_label("Satellite").select_option(label="kitchen")
        await dialog.get_by_role("button", name="See how many").click()
        await expect(dialog.get_by_role("status")).to_contain_text("2 turns would be deleted for good")
        assert len(await left(store)) == 3
        await dialog.get_by_label("From").fill("2020-01-01T00:00")  # another choice is counted anew
        await expect(dialog.get_by_role("button", name=re.compile("^Delete"))).to_have_count(0)
        await dialog.get_by_label("From").fill("")
        await dialog.get_by_role("button", name="See how many").click()
        await dialog.get_by_role("button", name="Delete 2 turns").click()
        await expect(dialog).to_have_count(0)
        await expect(page.locator(".turn")).to_have_count(1)
    assert await left(store) == ["other"]


async def test_a_search_that_is_refused_says_why(open_page: OpenPage) -> None:
    async with open_page("/history") as page:
        await page.get_by_role("searchbox").fill("one two three four five six seven eight nine")
        await expect(page.get_by_role("alert")).to_contain_text("a search has at most 8 words")
