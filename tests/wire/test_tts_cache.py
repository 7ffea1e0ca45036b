"""Short sentences that were spoken already need no engine again."""

from __future__ import annotations

from typing import Any

from wire_harness.clients import connect
from wire_harness.engines import WatchedTts
from wire_harness.house import House
from wire_harness.profiles import FAST, CloningTts, Household
from wire_harness.speaking import pcm_of, say, say_streamed
from wire_harness.waiting import until
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.speech.client import speech_figures

KEEPING: dict[str, Any] = {"speech": {"cache_memory": 2**20, "loudness_lufs": None}}


async def test_a_sentence_said_again_needs_no_engine_and_sounds_the_same(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts(settings=KEEPING)
    first = await say(server.uri, "Done.")
    again = await say_streamed(server.uri, "Do", "ne.")
    assert engine.texts == ["Done."]
    assert pcm_of(again) == pcm_of(first)
    await until(lambda: len(house.reports.ended) == 2)
    made, kept = house.reports.ended
    assert (made.detail.get("pieces_cached"), kept.detail.get("pieces_cached")) == (None, 1)
    assert (kept.worker, kept.voice, kept.degraded) == ("piper", "fake-en", None)
    figures = await speech_figures(house.runtime_dir)
    assert (figures.cache_hits, figures.cache_misses, figures.cache_entries) == (1, 1, 1)
    assert 0 < figures.cache_bytes <= figures.cache_limit_bytes == 2**20


async def test_another_voice_or_another_text_is_made_anew(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts(settings=KEEPING)
    for text, voice in (("Done.", "fake-en"), ("Done.", "fake-zh-TW"), ("Done!", "fake-en"), ("Done.", "fake-en")):
        await say(server.uri, text, voice=SynthesizeVoice(name=voice))
    assert [(text, voice) for text, voice, _ in engine.asked] == [
        ("Done.", "fake-en"), ("Done.", "fake-zh-TW"), ("Done!", "fake-en"),
    ]  # fmt: skip


async def test_a_new_version_of_a_profile_is_never_spoken_with_the_old_sound(house: House) -> None:
    household = Household(house.runtime_dir, FAST)
    household.add()
    engine = CloningTts("clone:anna:1", "clone:anna:2")
    await house.tts_worker("f5", engine)
    server = await house.tts(["f5"], profiles=household.profiles, settings=KEEPING)
    await say(server.uri, "Done.", voice=SynthesizeVoice(name="anna"))
    household.add(version=2)
    await say(server.uri, "Done.", voice=SynthesizeVoice(name="anna"))
    assert [voice for _, voice, _ in engine.asked] == ["clone:anna:1", "clone:anna:2"]


async def test_only_complete_sentences_are_kept(house: House) -> None:
    engine = WatchedTts(held=True)
    await house.tts_worker("piper", engine)
    server = await house.tts(settings=KEEPING)
    async with connect(server.uri) as client:
        await client.send(Synthesize("one two three"))
        await client.receive_until("audio-chunk")
        client.abort()
        await until(lambda: engine.finished)
    engine.release.set()
    await say(server.uri, "one two three")
    assert len(engine.asked) == 2


async def test_with_no_memory_nothing_is_kept(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts(settings={"speech": {"cache_memory": 0}})
    for _ in range(2):
        await say(server.uri, "Done.")
    assert engine.texts == ["Done."] * 2
    figures = await speech_figures(house.runtime_dir)
    assert (figures.cache_hits, figures.cache_misses, figures.cache_limit_bytes) == (0, 0, 0)


async def test_a_kept_sentence_is_spoken_while_its_worker_is_away(house: House) -> None:
    worker = await house.tts_worker("piper")
    server = await house.tts(settings=KEEPING)
    first = await say(server.uri, "Done.")
    worker.kill()
    assert pcm_of(await say(server.uri, "Done.")) == pcm_of(first)


async def test_who_measures_an_engine_hears_it(house: House) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts(settings=KEEPING)
    for _ in range(2):
        await say(server.uri, "Done.", context={"fresh": True})
    assert engine.texts == ["Done."] * 2
