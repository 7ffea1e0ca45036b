"""One even stream, whoever speaks: loudness, joins, one format."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from wire_harness.clients import connect
from wire_harness.engines import WatchedTts, fake
from wire_harness.house import House
from wire_harness.speaking import pcm_of, say_streamed
from wyoming.tts import Synthesize

from wyoming_servers.audio import LoudnessMeter
from wyoming_servers.workers.engine import AudioPiece, StopFlag

RATE_HZ = 24_000
TARGET_LUFS = -20.0


class LoudTts(WatchedTts):
    """A tone of a constant strength, as long as the text."""

    def __init__(self, language: str, peak: float, *, rate_hz: int = 22_050, held: bool = False) -> None:
        super().__init__(fake("tts", languages=[language]), rate_hz=rate_hz, held=held)
        self._peak = peak

    def synthesize(self, text: str, voice: str, speaker: str | None, stop: StopFlag) -> Iterator[AudioPiece]:
        for piece in super().synthesize(text, voice, speaker, stop):
            times = np.arange(len(piece.pcm) // 2) / self._rate_hz
            tone = self._peak * np.cos(2 * np.pi * 440 * times)  # begins and ends at full strength: as rude as can be
            yield AudioPiece(piece.rate_hz, bytes(np.rint(tone * 32767).astype("<i2")))


def samples(pcm: bytes) -> NDArray[np.float64]:
    return np.frombuffer(pcm, dtype="<i2") / 32768


def longest_silence(heard: NDArray[np.float64]) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], heard == 0, [0]))))
    begins, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - begins))
    return int(begins[longest]), int(ends[longest])


def loudness(pcm: bytes) -> float:
    meter = LoudnessMeter(RATE_HZ)
    meter.feed(pcm)
    assert meter.lufs is not None
    return meter.lufs


@pytest.fixture
def settings() -> dict[str, object]:
    return {"speech": {"loudness_lufs": TARGET_LUFS, "cache_memory": 0}}


async def test_a_loud_and_a_quiet_engine_become_equally_loud(house: House, settings: dict[str, object]) -> None:
    await house.tts_worker("loud", LoudTts("en", 0.6))
    await house.tts_worker("quiet", LoudTts("zh-TW", 0.06, rate_hz=44_100))
    server = await house.tts(["loud", "quiet"], settings=settings)
    english, chinese = (
        "A sentence that takes a while to be spoken aloud by anybody.",
        "這句話要說上好一陣子，才聽得出來有多大聲。" * 3,
    )
    for _ in range(6):
        heard = [loudness(pcm_of(await say_streamed(server.uri, text))) for text in (english, chinese)]
    assert heard == pytest.approx([TARGET_LUFS, TARGET_LUFS], abs=1.8)


async def test_one_voice_fades_into_the_next_without_a_click(house: House) -> None:
    await house.tts_worker("first", LoudTts("en", 0.5))
    await house.tts_worker("second", LoudTts("zh-TW", -0.5))  # begins as far from the other's end as can be
    server = await house.tts(["first", "second"])
    heard = samples(pcm_of(await say_streamed(server.uri, "Good morning everybody.\n", "早安，大家好。")))
    step = 0.5 * 2 * np.pi * 440 / RATE_HZ  # of the tone itself, at its steepest
    # Words of one engine are not ours to join; where the engines change, nothing jumps.
    english_s = sum(len(word) for word in ("Good", "morning", "everybody.")) * 0.06
    join = int(english_s * RATE_HZ)
    around = heard[join - 1200 : join + 1200]
    assert np.abs(np.diff(around)).max() < 2.5 * step


async def test_a_sentence_that_breaks_off_fades_out(house: House) -> None:
    first, second = LoudTts("en", 0.5, held=True), LoudTts("en", 0.5)
    worker = await house.tts_worker("first", first)
    await house.tts_worker("second", second)
    server = await house.tts(["first", "second"])
    async with connect(server.uri) as client:
        await client.send(Synthesize("one two three"))
        events = await client.receive_until("audio-chunk")
        worker.kill()
        events += await client.receive_until("audio-stop")
    heard = samples(pcm_of(events))
    begin, end = longest_silence(heard)
    step = 0.5 * 2 * np.pi * 440 / RATE_HZ
    assert end - begin >= 0.2 * RATE_HZ
    assert np.abs(np.diff(heard[begin - 200 : begin])).max() < 2.5 * step
    assert np.abs(np.diff(heard[end - 10 : end + 200])).max() < 2.5 * step
    first.release.set()
