"""The household's own voices: in the list, by which worker, and who stands in."""

from __future__ import annotations

import pytest
from wire_harness.clients import ask, connect
from wire_harness.engines import WatchedTts
from wire_harness.house import House
from wire_harness.profiles import ENGLISH_ONLY, FAST, STUDIO, CloningTts, Household
from wire_harness.speaking import say, shape
from wire_harness.waiting import until
from wyoming.info import Describe, Info, TtsVoice
from wyoming.tts import Synthesize, SynthesizeVoice

ANNA, ANNA_STUDIO = SynthesizeVoice(name="anna"), SynthesizeVoice(name="anna-studio")


async def voices_of(uri: str) -> list[TtsVoice]:
    info = Info.from_event((await ask(uri, Describe(), until=["info"]))[-1])
    return list(info.tts[0].voices)


async def names_of(uri: str) -> list[str]:
    return [voice.name for voice in await voices_of(uri)]


async def test_a_profile_stands_after_the_built_in_voices_once_per_tier(house: House) -> None:
    household = Household(house.runtime_dir, STUDIO, FAST)
    household.add()
    await house.tts_worker("piper")
    server = await house.tts(["cosy", "f5", "piper"], wait=False, profiles=household.profiles)
    await until(lambda: "fake-en" in server.server.handler._book._voices)  # type: ignore[attr-defined]
    shown = {voice.name: voice for voice in await voices_of(server.uri)}
    assert list(shown) == ["fake-en", "fake-zh-TW", "anna", "anna-studio"]
    assert [shown[name].description for name in ("anna", "anna-studio")] == ["Anna", "Anna (studio)"]
    assert shown["anna"].languages == ["en", "zh-TW"]


async def test_profiles_come_change_and_go_without_a_restart(house: House) -> None:
    household = Household(house.runtime_dir, FAST)
    await house.tts_worker("f5", CloningTts("clone:anna:1"))
    server = await house.tts(["f5"], profiles=household.profiles)
    assert await names_of(server.uri) == []
    household.add()
    assert await names_of(server.uri) == ["anna"]
    household.add(version=2)
    assert await names_of(server.uri) == ["anna-v2"]
    household.remove("anna")
    assert await names_of(server.uri) == []


async def test_a_profile_is_listed_in_the_languages_that_a_worker_can_speak(house: House) -> None:
    household = Household(house.runtime_dir, ENGLISH_ONLY)
    household.add()
    household.add("Mei", languages=("zh-TW",))
    await house.tts_worker("pocket", CloningTts())
    server = await house.tts(["pocket"], profiles=household.profiles)
    assert [(voice.name, voice.languages) for voice in await voices_of(server.uri)] == [("anna", ["en"])]


async def test_without_a_cloning_worker_a_profile_is_no_voice(house: House) -> None:
    household = Household(house.runtime_dir)
    household.add()
    await house.tts_worker("piper")
    server = await house.tts(profiles=household.profiles)
    assert await names_of(server.uri) == ["fake-en", "fake-zh-TW"]


@pytest.mark.parametrize(
    ("tier", "cloners", "names"),
    [
        ("fast", (STUDIO, FAST), ["anna"]),
        ("high-quality", (STUDIO, FAST), ["anna-studio"]),
        ("high-quality", (FAST,), ["anna"]),
        ("fast", (STUDIO,), ["anna-studio"]),
    ],
)
async def test_the_owners_tier_is_listed_where_there_is_a_worker_for_it(
    house: House, tier: str, cloners: tuple[object, ...], names: list[str]
) -> None:
    household = Household(house.runtime_dir, *cloners)  # type: ignore[arg-type]
    household.add(tier=tier)
    server = await house.tts(["cosy", "f5"], wait=False, profiles=household.profiles)
    assert await names_of(server.uri) == names


@pytest.mark.parametrize("name", ["anna", "anna-v1", "anna-v2", "anna-studio", "anna-studio-v7"])
async def test_an_earlier_name_of_a_voice_still_means_it(house: House, name: str) -> None:
    household = Household(house.runtime_dir, FAST)
    household.add(version=2)
    engine = CloningTts("clone:anna:2")
    await house.tts_worker("f5", engine)
    server = await house.tts(["f5"], profiles=household.profiles)
    await say(server.uri, "hello", voice=SynthesizeVoice(name=name))
    assert engine.asked == [("hello", "clone:anna:2", None)]


async def test_the_default_profile_speaks_where_no_voice_is_named(house: House) -> None:
    household = Household(house.runtime_dir, FAST)
    household.add("Bo")
    household.add(is_default=True)
    engine = CloningTts("clone:anna:1", "clone:bo:1")
    await house.tts_worker("f5", engine)
    server = await house.tts(["f5"], profiles=household.profiles)
    await say(server.uri, "hello")
    assert engine.asked[-1][1] == "clone:anna:1"


async def _three_tiers(house: House) -> dict[str, WatchedTts]:
    engines: dict[str, WatchedTts] = {
        "cosy": CloningTts("clone:anna:1"), "f5": CloningTts("clone:anna:1"), "piper": WatchedTts(),
    }  # fmt: skip
    for name, engine in engines.items():
        await house.tts_worker(name, engine)
    return engines


@pytest.mark.parametrize(
    ("up", "worker", "degraded"),
    [
        (("cosy", "f5", "piper"), "cosy", None),
        (("f5", "piper"), "f5", "f5 instead of cosy: test"),
        (("piper",), "piper", "piper instead of cosy: test"),
    ],
)
async def test_the_best_tier_that_can_speak_in_time_speaks_and_says_so(
    house: House, up: tuple[str, ...], worker: str, degraded: str | None
) -> None:
    household = Household(house.runtime_dir, STUDIO, FAST)
    household.add()
    engines = await _three_tiers(house)
    await house.coordinator(*up)
    server = await house.tts(["cosy", "f5", "piper"], profiles=household.profiles)
    await say(server.uri, "早安，大家好。", voice=ANNA_STUDIO)
    voice = {"cosy": "clone:anna:1", "f5": "clone:anna:1", "piper": "fake-zh-TW"}[worker]
    assert [text for _, text, _ in engines[worker].asked] == [voice] * len(engines[worker].asked) != []
    report = await house.reports.one()
    assert (report.worker, report.degraded) == (worker, degraded)
    # Never passed off as the person's.
    assert report.voice == {"cosy": "anna-studio", "f5": "anna", "piper": "fake-zh-TW"}[worker]


async def test_nobody_stands_in_with_another_persons_voice(house: House) -> None:
    household = Household(house.runtime_dir, FAST)
    household.add()
    household.add("Bo")
    await house.tts_worker("f5", CloningTts("clone:bo:1"))  # refuses the recording of Anna
    piper = WatchedTts()
    await house.tts_worker("piper", piper)
    server = await house.tts(["f5", "piper"], profiles=household.profiles)
    await say(server.uri, "hello", voice=ANNA)
    assert piper.asked == [("hello", "fake-en", None)]
    assert (await house.reports.one()).degraded == "fake-en after anna: voice-unknown"


async def test_a_worker_that_knows_no_such_profile_any_more_is_replaced_tier_by_tier(house: House) -> None:
    household = Household(house.runtime_dir, STUDIO, FAST)
    household.add()
    for name in ("cosy", "f5"):
        await house.tts_worker(name, CloningTts("clone:other:1"))
    piper = WatchedTts()
    await house.tts_worker("piper", piper)
    server = await house.tts(["cosy", "f5", "piper"], profiles=household.profiles)
    assert shape(await say(server.uri, "hello", voice=ANNA_STUDIO)) == ["audio-start", "audio-chunk", "audio-stop"]
    assert piper.texts == ["hello"]


async def test_a_text_in_a_language_that_the_profile_lacks_is_spoken_by_another_voice_and_says_so(
    house: House,
) -> None:
    household = Household(house.runtime_dir, ENGLISH_ONLY)
    household.add()
    await house.tts_worker("pocket", CloningTts("clone:anna:1"))
    piper = WatchedTts()
    await house.tts_worker("piper", piper)
    server = await house.tts(["pocket", "piper"], profiles=household.profiles)
    await say(server.uri, "早安，大家好。", voice=ANNA)
    assert {voice for _, voice, _ in piper.asked} == {"fake-zh-TW"}
    degraded = (await house.reports.one()).degraded
    assert degraded == "fake-zh-TW instead of anna: it does not speak this language"


@pytest.mark.parametrize("by", ["purpose", "context"])
async def test_an_announcement_waits_for_its_own_voice(house: House, by: str) -> None:
    household = Household(house.runtime_dir, STUDIO, FAST)
    household.add(purpose="announcements" if by == "purpose" else "answers")
    engines = await _three_tiers(house)
    coordinator = await house.coordinator("f5", "piper")
    server = await house.tts(["cosy", "f5", "piper"], profiles=household.profiles)
    context = {"announcement": True} if by == "context" else None
    async with connect(server.uri) as client:
        await client.send(Synthesize("hello", ANNA_STUDIO, context=context))
        await until(lambda: coordinator.book.requests)
        assert coordinator.book.requests[0].ladder == ("cosy",)
        coordinator.book.come_up("cosy")
        await client.receive_until("audio-stop")
    assert engines["cosy"].texts == ["hello"]
    assert (await house.reports.one()).degraded is None


async def test_an_announcement_whose_voice_cannot_come_is_spoken_by_the_next(house: House) -> None:
    household = Household(house.runtime_dir, STUDIO, FAST)
    household.add(purpose="announcements")
    engines = await _three_tiers(house)
    coordinator = await house.coordinator("f5", "piper")
    coordinator.book.denial = ("no-memory", None)
    server = await house.tts(["cosy", "f5", "piper"], profiles=household.profiles)
    await say(server.uri, "hello", voice=ANNA_STUDIO)
    assert engines["f5"].texts == ["hello"]
    assert (await house.reports.one()).degraded is not None
