"""Whoever asks is answered in their own voice, and never in another person's."""

from __future__ import annotations

import asyncio

import pytest
from wire_harness.askers import ASKER, KEEP_S, asked_house
from wire_harness.clients import ask, connect
from wire_harness.conversing import ScriptedLlm, answer, memory_of
from wire_harness.house import House
from wire_harness.people import profile, write_profiles
from wire_harness.profiles import FAST, Household
from wire_harness.speaking import pcm_of, say, say_streamed, shape
from wire_harness.waiting import until
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize

from wyoming_servers.ahead import HandOver
from wyoming_servers.own_voice.folder import own_voice_folder
from wyoming_servers.own_voice.mark import mark_of, unmarked

QUESTION = "And so, my fellow Americans, ask not."
OTHER = "He was not an unusual man."
ANSWER = "Ask me something else."


@pytest.fixture
def ask_not(jfk: bytes) -> bytes:
    """The first six seconds of a recording: enough for a voice."""
    return jfk[: 2 * 16_000 * 6]


async def test_an_answer_is_spoken_in_the_voice_of_the_utterance_it_answers(house: House, ask_not: bytes) -> None:
    async with asked_house(house, ScriptedLlm("Ask me ", "something else.")) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION))
        assert text != ANSWER  # or Home Assistant would play it to the next who is answered so
        assert unmarked(text) == ANSWER
        events = await say_streamed(asked.tts.uri, text, voice=ASKER)
        assert shape(events) == ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"]
        assert asked.cloner.texts == [ANSWER]
        assert asked.cloner.askers == [QUESTION]
        [(voice, seconds)] = asked.cloner.prepared
        assert 4.5 < seconds < 6  # the words, without the silence around them
        report = await asked.report()
        assert (report.worker, report.voice, report.degraded) == ("f5", "asker", None)
        assert report.text_in == ANSWER  # the history is for people
        thought = next(one for one in house.reports.ended if one.kind == "think")
        assert thought.text_out == ANSWER
        assert mark_of(voice.id) not in str(memory_of(asked.conversation)._conversations)


async def test_the_list_has_the_voice_in_the_words_of_each_language(house: House) -> None:
    async with asked_house(house, ScriptedLlm()) as asked:
        info = Info.from_event((await ask(asked.tts.uri, Describe(), until=["info"]))[-1])
        shown = [(one.name, one.description, one.languages) for one in info.tts[0].voices if one.name == "asker"]
        assert shown == [("asker", "Your own voice", ["en"]), ("asker", "你自己的聲音", ["zh", "zh-TW"])]


async def test_two_people_are_each_answered_in_their_own_voice(house: House, ask_not: bytes, librivox: bytes) -> None:
    async with asked_house(house, ScriptedLlm(ANSWER)) as asked:
        first = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION), conversation="c1")
        second = await answer(asked.conversation.uri, await asked.heard(2 * librivox, OTHER), conversation="c2")
        assert first != second
        await say(asked.tts.uri, second, voice=ASKER)
        await say(asked.tts.uri, first, voice=ASKER)
        await say(asked.tts.uri, second, voice=ASKER)
        assert asked.cloner.askers == [OTHER, QUESTION, OTHER]


async def test_two_who_said_the_same_at_once_are_answered_in_nobodys_voice(
    house: House, ask_not: bytes, librivox: bytes
) -> None:
    async with asked_house(house, ScriptedLlm(ANSWER)) as asked:
        await asked.heard(ask_not, QUESTION)
        await asked.heard(2 * librivox, QUESTION)
        text = await answer(asked.conversation.uri, QUESTION)
        assert text == ANSWER
        await say(asked.tts.uri, text, voice=ASKER)
        assert (asked.cloner.asked, asked.piper.texts) == ([], [ANSWER])
        report = await asked.report()
        assert report.degraded == "fake-en instead of asker: whose question it answers is not known"


async def test_a_short_question_is_answered_in_the_default_voice_and_the_turn_says_why(
    house: House, ask_not: bytes
) -> None:
    async with asked_house(house, ScriptedLlm(ANSWER)) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not[: 2 * 16_000 * 2], "And so."))
        await say(asked.tts.uri, text, voice=ASKER)
        report = await asked.report()
        assert (report.worker, report.voice) == ("piper", "fake-en")
        assert report.degraded == "fake-en instead of asker: too little speech"
        assert asked.cloner.asked == []
        heard = next(one for one in house.reports.ended if one.kind == "transcribe")
        assert heard.detail["own_voice"] == "too little speech"


async def test_home_assistant_may_keep_the_sound_of_what_the_default_voice_answers(
    house: House, ask_not: bytes
) -> None:
    async with asked_house(house, ScriptedLlm(ANSWER)) as asked:
        short = ask_not[: 2 * 16_000 * 2]
        answers = {await answer(asked.conversation.uri, await asked.heard(short, text)) for text in ("One.", "Two.")}
        assert len(answers) == 1


async def test_a_typed_question_and_a_text_of_nobody_have_no_own_voice(house: House, ask_not: bytes) -> None:
    async with asked_house(house, ScriptedLlm(ANSWER)) as asked:
        await asked.heard(ask_not, QUESTION)
        assert await answer(asked.conversation.uri, "something else") == ANSWER
        await say(asked.tts.uri, ANSWER, voice=ASKER)
        await say(asked.tts.uri, f"{mark_of('asker-12345678')}{ANSWER}", voice=ASKER)
        assert (asked.cloner.asked, asked.piper.texts) == ([], [ANSWER, ANSWER])
        assert (await asked.report()).degraded == "fake-en instead of asker: the question is too long ago"


async def test_after_its_time_a_voice_is_nobodys_any_more(house: House, ask_not: bytes) -> None:
    async with asked_house(house, ScriptedLlm(ANSWER)) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION))
        await say(asked.tts.uri, text, voice=ASKER)
        asked.seconds[0] += KEEP_S
        await say(asked.tts.uri, text, voice=ASKER)  # nobody has deleted it yet
        assert (len(asked.cloner.asked), asked.piper.texts) == (1, [ANSWER])
        asked.keeper.sweep()
        assert not list(own_voice_folder(house.runtime_dir).glob("*.wav"))
        await ask(f"unix://{house.runtime_dir}/worker-f5.sock", Describe(), until=["info"])
        assert asked.cloner.clones.kept == []  # and what the engine made of it is gone, too


async def test_a_worker_tells_nobody_of_the_voices_of_utterances(house: House, ask_not: bytes) -> None:
    async with asked_house(house, ScriptedLlm(ANSWER)) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION))
        await say(asked.tts.uri, text, voice=ASKER)
        assert asked.cloner.program().voices == []


async def test_nothing_of_it_is_kept_in_cache_or_history(house: House, ask_not: bytes) -> None:
    speech = {"cache_memory": "1MiB", "loudness_lufs": None}
    async with asked_house(house, ScriptedLlm(ANSWER), settings={"speech": speech}) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION))
        await say(asked.tts.uri, text, voice=ASKER)
        await say(asked.tts.uri, text, voice=ASKER)
        assert asked.cloner.texts == [ANSWER, ANSWER]
        report = await asked.report()
        assert (report.audio, report.audio_duration_s is not None) == (None, True)
        figures = asked.tts.server.handler._tools.cache.figures  # type: ignore[attr-defined]
        assert (figures.entries, figures.misses) == (0, 0)


async def test_a_worker_that_is_away_is_replaced_and_that_is_told(house: House, ask_not: bytes) -> None:
    async with asked_house(house, ScriptedLlm(ANSWER), cloner_up=False) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION))
        await until(lambda: "fake-en" in asked.tts.server.handler._book._voices)  # type: ignore[attr-defined]
        await say(asked.tts.uri, text, voice=ASKER)
        report = await asked.report()
        assert (report.worker, report.degraded is not None) == ("piper", True)


async def test_an_answer_in_another_language_is_in_the_same_voice(house: House, ask_not: bytes) -> None:
    async with asked_house(house, ScriptedLlm("客廳的燈開了。")) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION))
        await say(asked.tts.uri, text, voice=ASKER)
        assert asked.cloner.askers == [QUESTION]


async def test_a_language_the_worker_does_not_clone_is_spoken_by_another_voice(house: House, ask_not: bytes) -> None:
    async with asked_house(house, ScriptedLlm("客廳的燈開了。"), languages=("en",)) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION))
        await say(asked.tts.uri, text, voice=ASKER)
        assert asked.cloner.asked == []
        assert (await asked.report()).degraded == "fake-zh-TW instead of asker: it does not speak this language"


async def test_other_voices_read_a_marked_answer_as_if_it_were_not(house: House, ask_not: bytes) -> None:
    async with asked_house(house, ScriptedLlm(ANSWER)) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION))
        await say(asked.tts.uri, text)
        assert asked.piper.texts == [ANSWER]
        report = await asked.report()
        assert (report.degraded, report.audio is not None) == (None, True)


async def test_the_answer_is_spoken_ahead_of_time_in_the_askers_voice(
    house: House, ask_not: bytes, librivox: bytes
) -> None:
    async with asked_house(house, ScriptedLlm(ANSWER)) as asked:
        hand_over = HandOver(house.runtime_dir)
        running = asyncio.create_task(hand_over.run())
        try:
            await until(lambda: hand_over._connected)
            asked.conversation.server.handler._agent.hand_over = hand_over  # type: ignore[attr-defined]
            first = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION))
            await say(asked.tts.uri, first, voice=ASKER)  # now it is known that this voice is used here
            asked.cloner.asked.clear()
            second = await answer(asked.conversation.uri, await asked.heard(2 * librivox, OTHER))
            await until(lambda: asked.cloner.askers == [OTHER])
            events = await say(asked.tts.uri, second, voice=ASKER)
            assert pcm_of(events)
            assert asked.cloner.askers == [OTHER]  # made once, and used
            assert (await asked.report()).detail["pieces_ahead"] == 1
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("text", [QUESTION, ""])
async def test_an_utterance_without_words_is_not_kept(house: House, ask_not: bytes, text: str) -> None:
    async with asked_house(house, ScriptedLlm(ANSWER)) as asked:
        await asked.heard(ask_not, text)
        assert len(list(own_voice_folder(house.runtime_dir).glob("*.wav"))) == bool(text)


async def test_it_can_be_the_voice_of_those_who_name_none(house: House, ask_not: bytes) -> None:
    speech = {"cache_memory": 0, "loudness_lufs": None}
    settings = {"default_voice": "asker", "speech": speech}
    async with asked_house(house, ScriptedLlm(ANSWER), settings=settings) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION))
        await say(asked.tts.uri, text)
        await say(asked.tts.uri, "It rings.")
        assert (asked.cloner.askers, asked.piper.texts) == ([QUESTION], ["It rings."])


async def test_a_profile_of_that_name_is_itself(house: House, ask_not: bytes) -> None:
    write_profiles(house.runtime_dir, profile(house.runtime_dir, "asker", 5))
    profiles = Household(house.runtime_dir, FAST).profiles
    async with asked_house(house, ScriptedLlm(ANSWER), profiles=profiles) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not, QUESTION))
        await say(asked.tts.uri, text, voice=ASKER)
        assert [name for _, name, _ in asked.cloner.asked] == ["clone:asker:1"]
        assert (await asked.report()).degraded is None


async def test_who_stands_in_is_never_another_person(house: House, ask_not: bytes) -> None:
    household = Household(house.runtime_dir, FAST)
    household.add("Anna", is_default=True)
    async with asked_house(house, ScriptedLlm(ANSWER), profiles=household.profiles) as asked:
        text = await answer(asked.conversation.uri, await asked.heard(ask_not[: 2 * 16_000 * 2], "And so."))
        await say(asked.tts.uri, text, voice=ASKER)
        assert (asked.cloner.asked, asked.piper.texts) == ([], [ANSWER])


async def test_without_the_option_there_is_no_such_voice(house: House) -> None:
    await house.tts_worker("piper")
    server = await house.tts()
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello", voice=ASKER))
        assert await client.error_code() == "voice-unknown"
