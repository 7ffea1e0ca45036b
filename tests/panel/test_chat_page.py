"""Talking with the box in the browser: typed and spoken, read and heard, interrupted."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect
from unit.admin.chat.chat_house import RATE_HZ, House, answers, never, says, speaks, writes_down
from unit.admin.chat.fake_servers import Client
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart
from wyoming.info import Attribution, Info, TtsProgram, TtsVoice

from avatar_appliance.store import Stage, Turn
from avatar_appliance.turns.joiner import TurnsChanged

from .conftest import OpenPage

PATIENCE_S = 30
# Counts the seconds of sound that the page has the browser play.
COUNT_SOUND = """() => {
  window.played_s = 0;
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...when) {
    window.played_s += this.buffer.duration;
    return start.apply(this, when);
  };
}"""
NO_MICROPHONE = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });"
BY = Attribution(name="test", url="")
VOICES = [
    TtsVoice("anna", BY, True, "Anna", None, languages=["en-GB"]),
    TtsVoice("mei", BY, True, "阿梅", None, languages=["zh-TW"]),
]


@pytest.fixture(autouse=True)
async def talks(app: FastAPI) -> AsyncIterator[House]:
    async with House.open() as house:
        house.tts.script = tells_voices_or(speaks(bytes(RATE_HZ)))  # half a second
        app.state.dependencies = dataclasses.replace(app.state.dependencies, chat=house.chat)
        yield house


def tells_voices_or(speak: Callable[[Client], Awaitable[None]]) -> Callable[[Client], Awaitable[None]]:
    """The page asks for the voices as it opens."""

    async def script(client: Client) -> None:
        if (first := await client.next()) is not None and first.type == "describe":
            await client.say(Info(tts=[TtsProgram("box", BY, True, None, None, voices=VOICES)]))
        else:
            await speak(client)

    return script


def question(page: Page) -> Any:
    return page.get_by_label("Your question")


async def ask(page: Page, text: str) -> None:
    await question(page).fill(text)
    await question(page).press("Enter")


async def within(waiting: Awaitable[object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await waiting


async def test_a_typed_question_is_answered_in_text_and_sound(open_page: OpenPage, talks: House) -> None:
    talks.conversation.script = answers("The light ", "is <b>on</b>.")
    async with open_page("/chat") as page:
        await page.evaluate(COUNT_SOUND)
        await ask(page, "Is the light on?")
        await expect(page.locator(".asked")).to_have_text("Is the light on?")
        await expect(page.locator(".answered")).to_have_text("The light is <b>on</b>.")  # text is text
        await expect(page.locator(".turn")).to_have_attribute("data-state", "over")
        await page.wait_for_function("() => window.played_s === 0.5")
        # Heard to its end, there is nothing to stop any more.
        await expect(page.get_by_role("button", name="Send")).to_be_visible()


async def test_the_answer_is_read_and_heard_while_it_is_written(open_page: OpenPage, talks: House) -> None:
    go_on = asyncio.Event()

    async def thinks_long(client: Client) -> None:
        await client.next()
        await client.say(HandledStart(), HandledChunk("First."))
        await go_on.wait()
        await client.say(HandledChunk(" Second."), Handled("First. Second."))

    async def speaks_at_once(client: Client) -> None:
        await client.until("synthesize-chunk")
        await client.say(AudioStart(RATE_HZ, 2, 1), AudioChunk(RATE_HZ, 2, 1, bytes(RATE_HZ)))
        await client.until("synthesize-stop")
        await client.say(Event("synthesize-stopped"))

    talks.conversation.script, talks.tts.script = thinks_long, tells_voices_or(speaks_at_once)
    async with open_page("/chat") as page:
        await page.evaluate(COUNT_SOUND)
        await ask(page, "Tell me two words.")
        await expect(page.locator(".answered")).to_have_text("First.")
        await page.wait_for_function("() => window.played_s > 0")
        await expect(page.locator(".turn")).to_have_attribute("data-state", "answering")
        go_on.set()
        await expect(page.locator(".answered")).to_have_text("First. Second.")


async def test_somebody_taps_and_talks_until_the_box_has_heard_enough(open_page: OpenPage, talks: House) -> None:
    heard = bytearray()

    async def listens(client: Client) -> None:
        while len(heard) < 2 * 16_000:  # a second
            event = await client.next()
            assert event is not None
            heard.extend(event.payload or b"")
        await client.say(Transcript(text="Turn on the light", language="en"))

    talks.asr.script = listens
    async with open_page("/chat") as page:
        await page.get_by_role("button", name="Talk").click()
        await expect(page.get_by_role("meter")).to_be_visible()
        await expect(page.locator(".asked")).to_have_text("Turn on the light")
        await expect(page.get_by_role("meter")).to_be_hidden()
        await expect(page.locator(".answered")).to_have_text("Done.")
    started = talks.asr.clients[0].got[1]
    assert (started.data["rate"], started.data["width"], started.data["channels"]) == (16_000, 2, 1)
    samples = memoryview(bytes(heard[: len(heard) // 2 * 2])).cast("h")
    assert max(samples) > 1000  # the microphone was heard, not silence
    assert "vad_sensitivity" not in talks.asr.clients[0].got[0].data


async def test_somebody_holds_the_button_while_talking(open_page: OpenPage, talks: House) -> None:
    talks.asr.script = writes_down("Good night")  # at the end of the sound
    async with open_page("/chat") as page:
        await page.get_by_role("button", name="Talk").hover()
        await page.mouse.down()
        await within(talks.asr.called.wait())
        await expect(page.locator(".turn")).to_have_attribute("data-state", "listening")
        await page.mouse.up()
        await expect(page.locator(".asked")).to_have_text("Good night")
    got = talks.asr.clients[0].got
    assert got[0].data["vad_sensitivity"] == "relaxed"
    assert any(event.payload for event in got)


async def test_a_second_tap_ends_the_question(open_page: OpenPage, talks: House) -> None:
    talks.asr.script = writes_down("Good night")
    async with open_page("/chat") as page:
        await page.get_by_role("button", name="Talk").click()
        await within(talks.asr.called.wait())
        await page.get_by_role("button", name="That was the question").click()
        await expect(page.locator(".asked")).to_have_text("Good night")


async def test_the_keyboard_can_talk_too(open_page: OpenPage, talks: House) -> None:
    talks.asr.script = writes_down("Good night")
    async with open_page("/chat") as page:
        await page.get_by_role("button", name="Talk").focus()
        await page.keyboard.press("Enter")
        await within(talks.asr.called.wait())
        await page.keyboard.press("Enter")
        await expect(page.locator(".asked")).to_have_text("Good night")


async def test_what_was_not_understood_is_told(open_page: OpenPage, talks: House) -> None:
    async def hears_nothing(client: Client) -> None:
        await client.until("audio-chunk")
        await client.say(Transcript(text=""))

    talks.asr.script = hears_nothing
    async with open_page("/chat", language="zh-TW") as page:
        await page.get_by_role("button", name="說話").click()
        await expect(page.locator(".asked")).to_have_text("（沒有聽懂）")
        await expect(page.locator(".answered")).to_have_count(0)


@pytest.mark.parametrize("by", ["button", "Escape"])
async def test_stop_ends_the_sound_and_the_work(open_page: OpenPage, talks: House, by: str) -> None:
    async def speaks_for_ever(client: Client) -> None:
        await client.until("synthesize-chunk")
        await client.say(AudioStart(RATE_HZ, 2, 1))
        while True:
            await client.say(AudioChunk(RATE_HZ, 2, 1, bytes(RATE_HZ)))

    spoken = talks.tts
    spoken.script = tells_voices_or(speaks_for_ever)
    async with open_page("/chat") as page:
        await page.evaluate(COUNT_SOUND)
        await ask(page, "Tell me everything.")
        await page.wait_for_function("() => window.played_s > 0")
        spoken.hung_up.clear()  # that was the list of voices
        await (page.get_by_role("button", name="Stop").click() if by == "button" else page.keyboard.press(by))
        await within(spoken.hung_up.wait())
        await expect(page.locator(".turn")).to_have_attribute("data-state", "stopped")
        await expect(page.get_by_role("button", name="Send")).to_be_visible()


async def test_a_new_question_ends_the_one_before(open_page: OpenPage, talks: House) -> None:
    talks.conversation.script = never
    async with open_page("/chat") as page:
        await ask(page, "First?")
        await within(talks.conversation.called.wait())
        talks.conversation.script = answers("Second.")
        await ask(page, "Second?")
        await within(talks.conversation.hung_up.wait())
        await expect(page.locator(".turn").nth(0)).to_have_attribute("data-state", "stopped")
        await expect(page.locator(".turn").nth(1).locator(".answered")).to_have_text("Second.")


async def test_a_page_that_is_left_ends_its_question(open_page: OpenPage, talks: House) -> None:
    talks.conversation.script = never
    async with open_page("/chat") as page:
        await ask(page, "First?")
        await within(talks.conversation.called.wait())
        await page.get_by_role("link", name="Voices").click()
        await within(talks.conversation.hung_up.wait())


async def test_a_tab_has_one_conversation_until_it_begins_another(
    open_page: OpenPage, talks: House, save_turn: Callable[..., Awaitable[Turn]]
) -> None:
    async with open_page("/chat") as page:
        await ask(page, "First?")
        await expect(page.locator(".turn")).to_have_attribute("data-state", "over")
        first = talks.conversation.clients[0].got[0].data["context"]["conversation_id"]
        await save_turn(conversation_id=first, transcript="What was first?", answer="That was.")
        await page.reload()
        await expect(page.locator(".asked")).to_have_text("What was first?")
        await ask(page, "Second?")
        await expect(page.locator(".turn").nth(1)).to_have_attribute("data-state", "over")
        await page.get_by_role("button", name="New conversation").click()
        await expect(page.locator(".turn")).to_have_count(0)
        await ask(page, "Third?")
        await expect(page.locator(".turn")).to_have_attribute("data-state", "over")
    ids = [client.got[0].data["context"]["conversation_id"] for client in talks.conversation.clients]
    assert ids[0] == ids[1] != ids[2]


async def test_voice_and_language_can_be_chosen_and_are_kept(open_page: OpenPage, talks: House) -> None:
    async with open_page("/chat") as page:
        await page.locator("select[name=language]").select_option("zh-TW")
        await expect(page.get_by_label("Voice of the answers").locator("option")).to_have_text(
            ["the house's voice", "阿梅"]
        )
        await page.get_by_label("Voice of the answers").select_option("mei")
        await page.reload()
        await expect(page.get_by_label("Voice of the answers")).to_have_value("mei")
        await ask(page, "你好")
        await expect(page.locator(".turn")).to_have_attribute("data-state", "over")
    assert talks.conversation.clients[0].got[0].data["language"] == "zh-TW"
    [start] = [each.got[0] for each in talks.tts.clients if each.got[0].type == "synthesize-start"]
    assert start.data["voice"] == {"name": "mei"}


async def test_answers_can_be_silent(open_page: OpenPage, talks: House) -> None:
    async with open_page("/chat") as page:
        await page.get_by_text("Speak the answers").click()
        await ask(page, "Hush")
        await expect(page.locator(".turn")).to_have_attribute("data-state", "over")
    assert {each.got[0].type for each in talks.tts.clients} <= {"describe"}


async def test_without_a_microphone_typing_works_and_the_page_says_why(open_page: OpenPage, talks: House) -> None:
    async with open_page("/voices") as page:
        await page.context.add_init_script(NO_MICROPHONE)
        await page.goto(page.url.replace("/voices", "/chat"))
        await expect(page.get_by_text("To talk, open this page over https")).to_be_visible()
        await expect(page.get_by_role("button", name="Talk")).to_have_count(0)
        await ask(page, "Light on")
        await expect(page.locator(".answered")).to_have_text("Done.")


async def test_a_microphone_that_is_refused_is_told(open_page: OpenPage, talks: House) -> None:
    async with open_page("/chat") as page:
        await page.evaluate(
            "() => { navigator.mediaDevices.getUserMedia ="
            " async () => { throw new DOMException('no', 'NotAllowedError'); }; }"
        )
        await page.get_by_role("button", name="Talk").click()
        await expect(page.get_by_role("alert")).to_contain_text("was not allowed to use the microphone")
    assert talks.asr.clients == []


async def test_who_answered_how_fast_and_instead_of_whom_is_told(open_page: OpenPage, talks: House) -> None:
    at = 4e9  # after the question, whatever the clock says
    thought = Stage(
        id="t", kind="think", connection_id="c", started_at=at, first_output_at=at + 0.5, ended_at=at + 1, worker="qwen"
    )
    spoken = dataclasses.replace(thought, id="s", kind="speak", first_output_at=at + 1.25, worker="piper")
    async with open_page("/chat", language="zh-TW") as page:
        await page.get_by_label("你的問題").fill("開燈")
        await page.get_by_label("你的問題").press("Enter")
        await expect(page.locator(".turn")).to_have_attribute("data-state", "over")
        conversation = talks.conversation.clients[0].got[0].data["context"]["conversation_id"]
        turn = Turn(
            id="1", started_at=at, conversation_id=conversation, voice="joe", stages=(thought, spoken),
            degraded="speak: piper instead of f5: no memory",
        )  # fmt: skip
        talks.feed.put(TurnsChanged((turn,), frozenset()))
        await expect(page.locator(".turn .facts")).to_have_text("qwen · joe · 0.5 秒後出現第一個字 · 1.3 秒後開始出聲")
        await expect(page.locator("[data-degraded]")).to_contain_text("f5")


async def test_a_voice_that_fails_leaves_an_answer_to_read(open_page: OpenPage, talks: House) -> None:
    talks.tts.script = tells_voices_or(says(Error(text="it broke", code="worker-failed")))
    async with open_page("/chat") as page:
        await ask(page, "Light on")
        await expect(page.locator(".answered")).to_have_text("Done.")
        await expect(page.get_by_role("alert")).to_contain_text("The answer cannot be spoken:")


async def test_a_box_that_went_away_is_told(open_page: OpenPage, talks: House) -> None:
    async with open_page("/chat") as page:
        await expect(page.get_by_role("heading", name="Talk")).to_be_visible()
        await page.context.set_offline(True)
        await ask(page, "Light on")
        await expect(page.get_by_role("alert")).to_contain_text("The box does not answer.")
        await expect(page.get_by_role("button", name="Send")).to_be_visible()
