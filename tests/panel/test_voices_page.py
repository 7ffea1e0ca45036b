"""A voice is made in the browser: recorded or uploaded, watched, listened to, changed, deleted."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, expect
from voice_harness.house import VoiceHouse, good
from voice_harness.recordings import wav

from .conftest import OpenPage


async def fill(page: Page, name: str) -> None:
    await page.get_by_role("button", name="Add a voice").click()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_text("The person whose voice this is agrees").click()
    await page.get_by_label("Who agrees").fill(name)


async def upload(page: Page, content: bytes) -> None:
    await page.get_by_label("A file", exact=True).check()
    await page.get_by_label("A recording of half a minute").set_input_files(
        {"name": "r.wav", "mimeType": "audio/wav", "buffer": content}
    )
    await page.get_by_role("button", name="Make the voice").click()


async def test_somebody_records_in_the_browser_and_has_a_voice(open_page: OpenPage, house: VoiceHouse) -> None:
    async with open_page("/voices") as page:
        await expect(page.get_by_text("There is no voice yet.")).to_be_visible()
        await fill(page, "Anna")
        await expect(page.locator(".script")).to_contain_text("Good morning!")
        await expect(page.get_by_role("button", name="Make the voice")).to_be_disabled()
        await page.get_by_role("button", name="Record").click()
        await expect(page.locator("output")).to_have_text(re.compile("^([89]|[1-9][0-9]) s$"))  # by its clock
        await expect(page.get_by_role("meter")).not_to_have_attribute("value", "-60")
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator("dialog audio")).to_be_visible()
        await page.get_by_role("button", name="Make the voice").click()
        await expect(page.locator("[data-voice=anna]")).to_have_attribute("data-state", "ready")
        await expect(page.locator("[data-voice=anna] .state")).to_have_text("ready")
        await expect(page.locator("[data-voice=anna]")).to_contain_text("of 100")
    [voice] = house.index
    assert (voice.id, voice.name, voice.languages) == ("anna", "Anna", ("en",))


async def test_a_recording_that_is_no_good_is_refused_with_what_to_do_better(
    open_page: OpenPage, house: VoiceHouse
) -> None:
    async with open_page("/voices") as page:
        await fill(page, "Anna")
        await upload(page, wav(np.zeros(6 * 44_100)))
        await expect(page.locator("dialog .trouble")).to_contain_text("No good:")
        await upload(page, good())  # nothing that was filled in is lost
        await expect(page.locator("[data-voice=anna]")).to_have_attribute("data-state", "ready")


async def test_the_doctor_speaks_chinese(open_page: OpenPage, house: VoiceHouse) -> None:
    made = await house.create(consent=None)
    await house.until(made.id, "kept")
    async with open_page("/voices", language="zh-TW") as page:
        await expect(page.locator("[data-voice=anna]")).to_contain_text("還沒有同意紀錄")
        await expect(page.locator("[data-voice=anna] .state")).to_have_text("已保留，還不是聲音")


async def test_a_voice_is_listened_to(
    open_page: OpenPage, house: VoiceHouse, said: list[tuple[str, str | None]]
) -> None:
    await house.until((await house.create()).id, "ready")
    async with open_page("/voices") as page:
        await page.get_by_label("What to say").fill("Dinner is ready.")
        await page.get_by_role("button", name="Listen").click()
        await expect(page.locator(".listen audio")).to_be_visible()
        duration_s = await page.locator(".listen audio").evaluate(
            "sound => new Promise((done) => sound.readyState ? done(sound.duration)"
            " : sound.addEventListener('loadedmetadata', () => done(sound.duration)))"
        )
    assert said == [("Dinner is ready.", "anna")]
    assert duration_s == pytest.approx(0.5)


async def test_what_the_engines_learn_from_can_be_heard(open_page: OpenPage, house: VoiceHouse) -> None:
    voice = await house.until((await house.create()).id, "ready")
    async with open_page("/voices") as page:
        await page.locator("summary").click()
        duration_s = await page.locator("details audio").evaluate(
            "sound => new Promise((done) => { sound.addEventListener('loadedmetadata', () => done(sound.duration));"
            " sound.load(); sound.preload = 'metadata'; sound.load(); })"
        )
    assert duration_s == pytest.approx(voice.reference_s, abs=0.1)


async def test_only_what_was_changed_is_changed(open_page: OpenPage, house: VoiceHouse) -> None:
    before = await house.until((await house.create()).id, "ready")
    async with open_page("/voices") as page:
        await page.get_by_role("button", name="Change").click()
        await page.get_by_label("Name", exact=True).fill("媽媽")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("heading", name="媽媽")).to_be_visible()
    after = await house.voices.get("anna")
    assert (after.name, after.version, after.consent) == ("媽媽", before.version, before.consent)


async def test_taking_consent_back_ends_the_voice(open_page: OpenPage, house: VoiceHouse) -> None:
    await house.until((await house.create()).id, "ready")
    async with open_page("/voices") as page:
        await page.get_by_role("button", name="Change").click()
        await page.get_by_text("The person whose voice this is agrees").click()
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("[data-voice=anna]")).to_have_attribute("data-state", "kept")
    assert house.index == ()


async def test_deleting_asks_first(open_page: OpenPage, house: VoiceHouse) -> None:
    await house.until((await house.create()).id, "ready")
    async with open_page("/voices") as page:
        asked: list[str] = []

        async def dismiss(dialog: object) -> None:
            asked.append(dialog.message)  # type: ignore[attr-defined]
            await (dialog.dismiss() if len(asked) == 1 else dialog.accept())  # type: ignore[attr-defined]

        page.on("dialog", dismiss)
        await page.get_by_role("button", name="Delete").click()
        assert asked == ["Delete Anna, with the recording?"]
        assert len(house.index) == 1
        await page.get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("There is no voice yet.")).to_be_visible()
    assert house.left == []


async def test_a_profile_goes_out_as_a_file_and_comes_back(
    open_page: OpenPage, house: VoiceHouse, tmp_path: Path
) -> None:
    await house.until((await house.create()).id, "ready")
    async with open_page("/voices") as page:
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Export").click()
        archive = tmp_path / "anna.zip"
        await (await downloading.value).save_as(archive)
        await page.get_by_role("button", name="Import").first.click()
        await page.get_by_label("An exported profile").set_input_files(archive)
        await page.locator("dialog").get_by_role("button", name="Import").click()
        await expect(page.locator("[data-voice=anna-2]")).to_have_attribute("data-state", "ready")


async def test_a_voice_that_was_made_elsewhere_appears_without_a_reload(open_page: OpenPage, house: VoiceHouse) -> None:
    async with open_page("/voices") as page:
        await expect(page.get_by_text("There is no voice yet.")).to_be_visible()
        await house.until((await house.create()).id, "ready")
        await expect(page.locator("[data-voice=anna]")).to_have_attribute("data-state", "ready")


async def test_a_box_that_went_away_is_told(open_page: OpenPage, house: VoiceHouse) -> None:
    async with open_page("/voices") as page:
        await expect(page.get_by_text("There is no voice yet.")).to_be_visible()
        await page.context.set_offline(True)
        await page.get_by_role("button", name="Add a voice").click()
        await page.get_by_label("Name", exact=True).fill("Anna")
        await upload(page, good())
        await expect(page.locator("dialog .trouble")).to_contain_text("The box does not answer.")
