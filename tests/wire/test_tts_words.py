"""The household's pronunciations, changed while the server runs."""

from __future__ import annotations

import pytest
from wire_harness.engines import WatchedTts
from wire_harness.house import House
from wire_harness.speaking import say, say_streamed

from avatar_appliance.pronunciations import (
    HouseholdPronunciations,
    Pronunciation,
    PronunciationFile,
    pronunciations_path,
)
from wyoming_servers.tts.household_words import HouseholdWords


@pytest.fixture
def household(house: House) -> HouseholdPronunciations:
    return HouseholdPronunciations(pronunciations_path(house.runtime_dir))


def words(house: House) -> HouseholdWords:
    return HouseholdWords(PronunciationFile(pronunciations_path(house.runtime_dir)))


async def test_the_next_answer_is_spoken_as_the_owner_set_it(house: House, household: HouseholdPronunciations) -> None:
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts(words=words(house).current, settings={"speech": {"cache_memory": 2**20}})
    text = "Siobhan is home."
    await say(server.uri, text)
    household.set(Pronunciation("Siobhan", "Shivawn", "en"))
    await say(server.uri, text)
    household.remove("siobhan", "en")
    await say(server.uri, text)
    assert engine.texts == ["Siobhan is home.", "Shivawn is home."]  # and the third as it was before, from the cache


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_a_word_is_found_wherever_the_stream_is_cut(
    house: House, household: HouseholdPronunciations, size: int
) -> None:
    household.set(Pronunciation("Nguyen", "win"))
    household.set(Pronunciation("Nguyen Van Anh", "win vun ann"))
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts(words=words(house).current)
    text = "Ask Nguyen Van Anh. Nguyen is away."
    await say_streamed(server.uri, *(text[start : start + size] for start in range(0, len(text), size)))
    assert " ".join(engine.texts) == "Ask win vun ann. win is away."


async def test_chinese_words_and_languages_are_told_apart(house: House, household: HouseholdPronunciations) -> None:
    household.set(Pronunciation("行天宮", "形天宮", "zh"))
    household.set(Pronunciation("Lin", "Leen", "en"))
    engine = WatchedTts()
    await house.tts_worker("piper", engine)
    server = await house.tts(words=words(house).current)
    await say(server.uri, "下一站是行天宮。")
    await say(server.uri, "Lin, come to 行天宮 please.")
    assert engine.texts == ["下一站是形天宮。", "Leen, come to 行天宮 please."]
