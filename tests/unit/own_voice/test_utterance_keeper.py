"""What is kept of utterances, for how long, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from avatar_appliance.voices.voice_index import VoiceIndex
from wyoming_servers.own_voice.keeper import MOST_UTTERANCES, MOST_VOICES, UtteranceKeeper, keeping_utterances
from wyoming_servers.own_voice.reference import Sound
from wyoming_servers.own_voice.utterances import Utterances, digest_of

KEEP_S = 60.0
LONG = Sound(bytes(2 * 16_000 * 4), 16_000, 3.5, 0.2, 3.8)
SHORT = Sound(bytes(2 * 16_000 * 2), 16_000, 1.4, 0.2, 1.7)


class Clock:
    """Time that passes when the test says so; who sleeps wakes when enough of it has."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self._changed = asyncio.Event()
        self.sleeping = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.sleeping.set()
            await self._changed.wait()

    async def advance(self, seconds: float) -> None:
        await self.sleeping.wait()
        self.sleeping.clear()
        self.now_s += seconds
        self._changed.set()
        self._changed = asyncio.Event()


class Kept:
    """A keeper, and what others see of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.keeper = UtteranceKeeper(
            folder, ("en", "zh"), KEEP_S, clock=lambda: self.clock.now_s, sleep=self.clock.sleep
        )
        self.index = VoiceIndex(folder / "index.json")
        self.utterances = Utterances(folder)

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.wav")) if self.folder.exists() else []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.keeper.run())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "run" / "own-voice")


async def test_an_utterance_of_some_length_is_a_voice_of_all_languages_with_its_words(kept: Kept) -> None:
    assert await kept.keeper.take("What is the weather tomorrow?", "en-GB", LONG) is None
    [voice] = kept.index.voices
    assert (voice.languages, voice.transcript, voice.transcript_language) == (
        ("en", "zh"), "What is the weather tomorrow?", "en-GB",
    )  # fmt: skip
    assert [voice.reference.name] == kept.files
    [line] = kept.utterances.all
    assert (line.id, line.heard_at_s, line.trouble) == (voice.id, 1000.0, None)
    assert line.words == digest_of("what is the weather tomorrow")


@pytest.mark.parametrize(
    ("told", "text", "language"),
    [
        ("zh_TW", "明天天氣如何", "zh-TW"),
        (None, "明天天氣如何", "zh"),
        ("*", "tomorrow", "en"),
        (None, "tomorrow", "en"),
    ],
)
async def test_the_language_of_its_words_is_told_or_seen(
    kept: Kept, told: str | None, text: str, language: str
) -> None:
    await kept.keeper.take(text, told, LONG)
    assert kept.index.voices[0].transcript_language == language


async def test_a_short_utterance_is_no_voice_and_says_why(kept: Kept) -> None:
    assert await kept.keeper.take("lights on", "en", SHORT) == "too little speech"
    assert (len(kept.index.voices), kept.files) == (0, [])
    assert kept.utterances.all[0].trouble == "too little speech"


async def test_a_sound_of_other_words_than_the_transcript_is_no_voice(kept: Kept) -> None:
    await kept.keeper.take("and the hall", "en", LONG, trouble="the box spoke, too")
    assert (len(kept.index.voices), kept.files) == (0, [])
    assert [(line.words, line.trouble) for line in kept.utterances.all] == [
        (digest_of("and the hall"), "the box spoke, too")
    ]


async def test_nobody_else_on_the_machine_can_read_it(kept: Kept) -> None:
    await kept.keeper.take("hello", "en", LONG)
    assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept.folder.iterdir()} == {0o600}


async def test_everything_is_deleted_when_its_time_is_over(kept: Kept) -> None:
    async with kept.running():
        await kept.keeper.take("the first", "en", LONG)
        await kept.clock.advance(KEEP_S / 2)
        await kept.keeper.take("the second", "en", LONG)
        await kept.clock.advance(KEEP_S / 2 - 1)
        assert len(kept.files) == len(kept.index.voices) == 2
        await kept.clock.advance(1)
        await kept.clock.sleeping.wait()  # it sleeps again: it has deleted
        assert [voice.transcript for voice in kept.index.voices] == ["the second"]
        assert [f"{line.id}.wav" for line in kept.utterances.all] == kept.files
        await kept.clock.advance(KEEP_S / 2)
        while kept.utterances.all:
            await asyncio.sleep(0)
        assert (len(kept.index.voices), kept.files) == (0, [])
        # And it goes on with what comes next.
        await kept.keeper.take("the third", "en", LONG)
        await kept.clock.advance(KEEP_S)
        while kept.utterances.all:
            await asyncio.sleep(0)
        assert kept.files == []


async def test_what_an_earlier_life_left_is_deleted_at_the_start_and_the_rest_at_the_end(kept: Kept) -> None:
    kept.folder.mkdir(parents=True)
    (kept.folder / "asker-deadbeef.wav").write_bytes(b"somebody")
    async with kept.running():
        assert not kept.folder.exists()
        await kept.keeper.take("hello", "en", LONG)
        assert len(kept.files) == 1
    assert not kept.folder.exists()
    await kept.keeper.take("too late", "en", LONG)
    assert not kept.folder.exists()


async def test_the_server_keeps_them_while_it_runs_and_where_it_is_wanted(tmp_path: Path) -> None:
    folder = tmp_path / "own-voice"
    async with keeping_utterances(folder, ("en",), KEEP_S) as keeper:
        assert keeper is not None
        await asyncio.sleep(0)
        await keeper.take("hello", "en", LONG)
        assert list(folder.glob("*.wav"))
    assert not folder.exists()
    folder.mkdir()
    async with keeping_utterances(folder, (), KEEP_S) as keeper:
        assert keeper is None
        assert not folder.exists()


async def test_only_the_last_few_are_voices(kept: Kept) -> None:
    for number in range(MOST_VOICES + 2):
        await kept.keeper.take(f"number {number}", "en", LONG)
    assert len(kept.files) == MOST_VOICES
    assert [voice.transcript for voice in kept.index.voices] == [f"number {n}" for n in range(2, MOST_VOICES + 2)]
    assert [line.trouble for line in kept.utterances.all] == ["others spoke since"] * 2 + [None] * MOST_VOICES


async def test_the_lines_are_bounded_too(kept: Kept) -> None:
    for number in range(MOST_UTTERANCES + 3):
        await kept.keeper.take(f"number {number}", "en", SHORT)
    assert len(kept.utterances.all) == MOST_UTTERANCES
    assert kept.utterances.all[0].words == digest_of("number 3")


async def test_a_folder_that_cannot_be_written_costs_the_voice_and_no_words_are_logged(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    kept.folder.parent.mkdir()
    kept.folder.write_text("a file is in its place")
    with caplog.at_level(logging.INFO):
        await kept.keeper.take("a secret", "en", LONG)
    assert not kept.index.voices
    assert not kept.utterances.all
    assert "cannot be kept" in caplog.text
    assert "secret" not in caplog.text
