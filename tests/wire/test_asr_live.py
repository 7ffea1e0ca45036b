"""Speech that arrives as it is spoken, and recordings that do not: where the server finds the end."""

from __future__ import annotations

import pytest
from wire_harness.clients import Client, connect, utterance
from wire_harness.engines import WatchedAsr
from wire_harness.house import House
from wire_harness.listening import CHUNK_BYTES, hear_live
from wire_harness.waiting import until
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart
from wyoming.ping import Ping

CHUNK_S = CHUNK_BYTES / 32_000


async def test_a_live_stream_gets_its_transcript_without_audio_stop(house: House, librivox: bytes) -> None:
    engine = WatchedAsr()
    await house.asr_worker("whisper", engine)
    server = await house.asr()
    async with connect(server.uri) as client:
        text, took_s = await hear_live(client, librivox, Transcribe(vad_sensitivity="aggressive"))
    assert text == "turn on the kitchen light"
    # Speech ends at 2.85 s, the aggressive end comes 0.25 s later.
    assert 2.8 < took_s < 2.85 + 0.25 + 1.0
    report = await house.reports.one()
    assert report.detail["ended_by"] == "silence"
    assert report.detail["speech_s"] == pytest.approx(2.5, abs=0.4)


@pytest.mark.parametrize("chunk_bytes", [320, 8192, 2**20])
async def test_a_recording_sent_at_once_is_never_cut_at_its_pauses(house: House, jfk: bytes, chunk_bytes: int) -> None:
    engine = WatchedAsr()
    await house.asr_worker("whisper", engine)
    server = await house.asr(settings={"vad_sensitivity": "aggressive"})
    async with connect(server.uri) as client:
        await client.send(*utterance(jfk, chunk_bytes=chunk_bytes))
        await client.receive_until("transcript")
    assert len(engine.audio[-1]) * 2 == len(jfk)
    assert (await house.reports.one()).detail["ended_by"] == "client"


@pytest.mark.parametrize(
    ("asked", "configured", "silence_s"),
    [
        ("aggressive", "relaxed", 0.25),
        ("default", "relaxed", 0.7),
        ("relaxed", "default", 1.25),
        (None, "relaxed", 1.25),
        (None, "default", 0.7),
        ("unheard of", "relaxed", 0.7),
    ],
)
async def test_the_request_decides_how_long_a_silence_ends_it_else_the_settings(
    house: House, librivox: bytes, monkeypatch: pytest.MonkeyPatch, asked: str | None, configured: str, silence_s: float
) -> None:
    await house.asr_worker("whisper")
    server = await house.asr(settings={"vad_sensitivity": configured})
    clock = Clock(monkeypatch)
    began_s = clock.now_s
    async with connect(server.uri) as client:
        await client.send(Transcribe(vad_sensitivity=asked), AudioStart(16_000, 2, 1))
        assert not await clock.say(client, librivox + bytes(2 * 32_000))
    assert clock.now_s - began_s == pytest.approx(2.85 + silence_s, abs=0.1)


async def test_with_client_endpointing_a_pause_ends_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await house.asr(["nobody"], settings={"endpointing": "client"}, stall_timeout_s=0.1)
    monkeypatch.setattr("wyoming_servers.asr.endpointing.NO_SPEECH_S", 0.0)
    async with connect(server.uri) as client:
        await client.send(*utterance(bytes(32_000), stop=False))
        assert await client.error_code() == "deadline-exceeded"


async def test_nobody_speaking_ends_the_stage(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wyoming_servers.asr.endpointing.NO_SPEECH_S", 0.2)
    server = await house.asr(["nobody"])
    async with connect(server.uri) as client:
        text, _ = await hear_live(client, b"", Transcribe())
    assert text == ""
    report = await house.reports.one()
    assert (report.detail["ended_by"], report.detail["rejected"]) == ("no-speech", "no-speech")


class Clock:
    """A clock that tests move; the handlers look at it instead of the real one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        for module in ("handler", "speech_detector"):
            monkeypatch.setattr(f"wyoming_servers.asr.{module}.time", self)

    def monotonic(self) -> float:
        return self.now_s

    async def say(self, client: Client, pcm: bytes) -> bool:
        """Send as if spoken, each piece after the server took the one before; return False when it answered."""
        for start in range(0, len(pcm), CHUNK_BYTES):
            self.now_s += CHUNK_S
            await client.send(AudioChunk(16_000, 2, 1, pcm[start : start + CHUNK_BYTES]), Ping())
            if (await client.receive()).type != "pong":
                return False
        return True


async def test_a_trial_is_thrown_away_when_speech_goes_on(
    house: House, librivox: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = WatchedAsr(held=True)
    worker = await house.asr_worker("whisper", engine)
    server = await house.asr(settings={"vad_sensitivity": "relaxed"})
    clock = Clock(monkeypatch)
    pause = bytes(int(32_000 * 0.5))

    async with connect(server.uri) as client:
        await client.send(Transcribe(), AudioStart(16_000, 2, 1))
        assert await clock.say(client, librivox + pause)
        await until(lambda: engine.running)  # the trial
        first_length = len(engine.audio[0])
        assert await clock.say(client, librivox[8_000:])
        await until(lambda: engine.stops[0].is_set())  # thrown away; the engine is deaf to it
        assert worker.server.active_requests == 1  # and the worker listens to everything once more
        engine.release.set()
        assert not await clock.say(client, bytes(2 * 32_000))
        events = await client.receive_until("transcript")
    assert Transcript.from_event(events[-1]).text == "turn on the kitchen light"
    assert first_length * 2 == pytest.approx(len(librivox) + 32_000 * 0.3, abs=6_000)
    assert len(engine.audio[-1]) * 2 > 2 * len(librivox)
    assert (await house.reports.one()).detail["ended_by"] == "silence"


async def test_the_trials_transcript_is_the_answer_when_nothing_more_is_said(
    house: House, librivox: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the answer is there when the pause has become long enough."""
    engine = WatchedAsr()
    await house.asr_worker("whisper", engine)
    server = await house.asr()
    clock = Clock(monkeypatch)
    async with connect(server.uri) as client:
        await client.send(Transcribe(), AudioStart(16_000, 2, 1))
        assert not await clock.say(client, librivox + bytes(32_000))
    await house.reports.one()
    assert len(engine.audio) == 1
    assert len(engine.audio[0]) * 2 < len(librivox) + 32_000 * 0.5
