"""Which of two workers is at fault, over real sockets."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from avatar_appliance.canary.listening import Miss, NothingLearnt, listen

from .scripted_workers import Fault, ScriptedWorker

HOUSE = ("en", "zh-TW")
SECRET = "the vault's number is 1234"


async def outcome(
    folder: Path,
    mouths: Sequence[ScriptedWorker],
    ears: Sequence[ScriptedWorker],
    house: Sequence[str] = HOUSE,
    timeout_s: float = 20,
) -> Miss | None:
    async with contextlib.AsyncExitStack() as stack:
        speaking = [await stack.enter_async_context(worker.serving(folder)) for worker in mouths]
        hearing = [await stack.enter_async_context(worker.serving(folder)) for worker in ears]
        return await listen(house, speaking, hearing, timeout_s=timeout_s)


async def test_two_workers_that_understand_each_other_are_well(tmp_path: Path) -> None:
    mouth = ScriptedWorker("mouth")
    assert await outcome(tmp_path, [mouth], [ScriptedWorker("ears")]) is None
    assert mouth.texts == ["What is the capital of France?"]


async def test_a_chinese_voice_gets_a_chinese_sentence(tmp_path: Path) -> None:
    mouth = ScriptedWorker("mouth", ["zh-TW"])
    ears = ScriptedWorker("ears", ["en", "zh"], transcript="明天早上七點會下雨嗎")
    assert await outcome(tmp_path, [mouth], [ears]) is None
    assert mouth.texts == ["明天早上七點會下雨嗎？"]


async def test_a_house_whose_first_language_is_chinese_hears_chinese(tmp_path: Path) -> None:
    mouth = ScriptedWorker("mouth", ["en", "zh_TW"])
    ears = ScriptedWorker("ears", [], transcript="明天早上7点会下雨吗")
    assert await outcome(tmp_path, [mouth], [ears], house=("zh-TW", "en")) is None
    assert mouth.texts == ["明天早上七點會下雨嗎？"]


async def test_a_chinese_house_tests_the_voice_that_speaks_chinese(tmp_path: Path) -> None:
    english, chinese = ScriptedWorker("piper"), ScriptedWorker("espeak", ["en", "cmn-x", "zh-TW"])
    ears = ScriptedWorker("ears", ["en", "zh"], transcript="明天早上七點會下雨嗎")
    assert await outcome(tmp_path, [english, chinese], [ears], house=("zh-TW", "en")) is None
    assert english.texts == []
    assert chinese.texts == ["明天早上七點會下雨嗎？"]


async def test_a_house_of_another_language_is_tried_in_one_that_its_workers_share(tmp_path: Path) -> None:
    mouth = ScriptedWorker("mouth", ["de", "zh"])
    ears = ScriptedWorker("ears", ["de", "zh"], transcript="明天早上七點會下雨嗎")
    assert await outcome(tmp_path, [mouth], [ears], house=("de",)) is None


async def test_workers_without_a_common_language_tell_nothing(tmp_path: Path) -> None:
    with pytest.raises(NothingLearnt):
        await outcome(tmp_path, [ScriptedWorker("mouth", ["zh-TW"])], [ScriptedWorker("ears", ["en"])])


async def test_a_busy_worker_is_no_miss(tmp_path: Path) -> None:
    with pytest.raises(NothingLearnt):
        await outcome(tmp_path, [ScriptedWorker("mouth", fault="busy")], [ScriptedWorker("ears")])


@pytest.mark.parametrize("fault", ["error", "drop", "short", "hang"])
async def test_a_mouth_that_fails_is_named(fault: Fault, tmp_path: Path) -> None:
    timeout_s = 1 if fault == "hang" else 20
    mouths = [ScriptedWorker("mouth", fault=fault)]
    miss = await outcome(tmp_path, mouths, [ScriptedWorker("ears")], timeout_s=timeout_s)
    assert miss is not None
    assert miss.suspects == ("mouth",)


@pytest.mark.parametrize("fault", ["error", "drop", "hang"])
async def test_ears_that_fail_are_named(fault: Fault, tmp_path: Path) -> None:
    timeout_s = 1 if fault == "hang" else 20
    ears = [ScriptedWorker("ears", fault=fault)]
    miss = await outcome(tmp_path, [ScriptedWorker("mouth")], ears, timeout_s=timeout_s)
    assert miss is not None
    assert miss.suspects == ("ears",)


async def test_a_wrong_sentence_alone_leaves_two_suspects_and_is_not_repeated(tmp_path: Path) -> None:
    miss = await outcome(tmp_path, [ScriptedWorker("mouth")], [ScriptedWorker("ears", transcript=SECRET)])
    assert miss is not None
    assert miss.suspects == ("ears", "mouth")
    assert miss.code == "canary-failed"
    assert "vault" not in miss.text


async def test_a_second_pair_of_ears_tells_that_the_first_one_is_deaf(tmp_path: Path) -> None:
    ears = [ScriptedWorker("ears", transcript=SECRET), ScriptedWorker("small-ears")]
    miss = await outcome(tmp_path, [ScriptedWorker("mouth")], ears)
    assert miss is not None
    assert miss.suspects == ("ears",)


async def test_a_second_mouth_tells_that_the_first_one_mumbles(tmp_path: Path) -> None:
    class Ears(ScriptedWorker):
        """Understands whoever speaks second."""

        async def _misbehaved(self, writer: object) -> bool:
            self.transcript = SECRET if not self.began.is_set() else "What is the capital of France?"
            self.began.set()
            return False

    mouths = [ScriptedWorker("mouth"), ScriptedWorker("espeak")]
    miss = await outcome(tmp_path, mouths, [Ears("ears")])
    assert miss is not None
    assert miss.suspects == ("mouth",)
