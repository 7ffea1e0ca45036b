"""A speaker worker on its socket: audio in, embedding out, and a clear word for what it cannot use."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from wire_harness.clients import ask, connect
from wire_harness.engines import fake
from wire_harness.house import House
from wire_harness.people import ANNA, ScriptedSpeaker
from wire_harness.waiting import until
from wyoming.event import Event
from wyoming.info import Describe

from avatar_appliance.client import ServerError, UnixEndpoint, WavAudio, embed_speaker
from avatar_appliance.config.workers import socket_path
from avatar_appliance.coordinator.launching import NotYet, ProbeRefused
from avatar_appliance.coordinator.launching.speaker_probe import SpeakerProbe
from avatar_appliance.errors import BadRequest, DeadlineExceeded, SpeechTooShort, WorkerUnavailable
from avatar_appliance.speakers import EmbedSpeech, SpeechEmbedded
from avatar_appliance.speakers.messages import EMBED_EVENT, EMBEDDED_EVENT, MOST_AUDIO_S
from wyoming_servers.workers.engine import EmbeddedSpeech
from wyoming_servers.workers.fake import FakeSpeakerEngine

ROOT = Path(__file__).parents[2]


def noise(seconds: float, rate_hz: int = 16_000, seed: int = 1) -> bytes:
    """Return white noise as 16-bit mono audio."""
    samples = np.random.default_rng(seed).normal(0, 3000, int(seconds * rate_hz))
    return samples.clip(-32768, 32767).astype("<i2").tobytes()


def question(seconds: float = 1.5, rate_hz: int = 16_000) -> Event:
    return EmbedSpeech(rate_hz=rate_hz, audio=noise(seconds, rate_hz)).to_event()


async def test_audio_becomes_an_embedding_of_length_one(house: House) -> None:
    served = await house.speaker_worker("who", FakeSpeakerEngine(fake("speaker")))
    answer = SpeechEmbedded.from_event((await ask(served.uri, question(), until=[EMBEDDED_EVENT]))[-1])
    assert answer.embedding.similarity(answer.embedding) == pytest.approx(1)
    assert answer.speech_s == pytest.approx(1.5)
    assert answer.model == "fake"


async def test_several_questions_go_over_one_connection(house: House) -> None:
    served = await house.speaker_worker("who", FakeSpeakerEngine(fake("speaker")))
    async with connect(served.uri) as client:
        answers = []
        for seed in (1, 1, 2):
            await client.send(EmbedSpeech(rate_hz=16_000, audio=noise(1.0, seed=seed)).to_event())
            answers.append(SpeechEmbedded.from_event(await client.receive()).embedding)
    assert answers[0] == answers[1]
    # The fake recognises nobody: other samples have nothing in common.
    assert abs(answers[0].similarity(answers[2])) < 0.3


@pytest.mark.parametrize("rate_hz", [8_000, 24_000, 44_100])
async def test_any_rate_reaches_the_engine_as_16_khz(house: House, rate_hz: int) -> None:
    engine = ScriptedSpeaker({}, ANNA)
    served = await house.speaker_worker("who", engine)
    answer = SpeechEmbedded.from_event((await ask(served.uri, question(1.7, rate_hz), until=[EMBEDDED_EVENT]))[-1])
    assert engine.asked == [pytest.approx(1.7, abs=0.01)]
    assert answer.embedding == ANNA


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Event(EMBED_EVENT, {"rate_hz": 16_000}), "bad-request"),
        (Event(EMBED_EVENT, {"rate_hz": 16_000}, b"\0"), "bad-request"),
        (Event(EMBED_EVENT, {"rate_hz": 4_000}, bytes(8_000)), "bad-request"),
        (Event(EMBED_EVENT, {"rate_hz": "16000"}, bytes(8_000)), "bad-request"),
        (Event(EMBED_EVENT, {"rate_hz": 16_000, "who": "anna"}, bytes(8_000)), "bad-request"),
        (Event(EMBED_EVENT, {}, bytes(8_000)), "bad-request"),
        (Event(EMBED_EVENT, {"rate_hz": 16_000}, bytes(int(MOST_AUDIO_S * 32_000) + 2)), "audio-too-long"),
        (Event(EMBED_EVENT, {"rate_hz": 16_000}, bytes(2**21 + 2)), "frame-too-large"),
    ],
)
async def test_a_question_that_is_none_is_refused_by_code(house: House, event: Event, code: str) -> None:
    engine = ScriptedSpeaker({}, ANNA)
    served = await house.speaker_worker("who", engine)
    async with connect(served.uri) as client:
        await client.send(event)
        assert await client.error_code() == code
    assert engine.asked == []


async def test_audio_without_speech_is_refused_by_code(house: House) -> None:
    engine = ScriptedSpeaker({}, ANNA)
    engine.error = SpeechTooShort("scripted")
    served = await house.speaker_worker("who", engine)
    async with connect(served.uri) as client:
        await client.send(question())
        assert await client.error_code() == "speech-too-short"


async def test_it_tells_who_asks_what_it_is_there_for_that_it_offers_nothing_to_home_assistant(house: House) -> None:
    served = await house.speaker_worker("who", ScriptedSpeaker({}, ANNA))
    (info,) = await ask(served.uri, Describe(), until=["info"])
    assert not any(info.data.values())


async def test_more_questions_than_fit_into_its_queue_are_refused_as_busy(house: House) -> None:
    engine = ScriptedSpeaker({}, ANNA)
    engine.release.clear()
    served = await house.speaker_worker("who", engine, worker_queue=0, max_turns=4)
    async with connect(served.uri) as first, connect(served.uri) as second:
        await first.send(question())
        await until(lambda: engine.asked)
        await second.send(question())
        assert await second.error_code() == "worker-busy"
        engine.release.set()
        assert (await first.receive()).type == EMBEDDED_EVENT


async def test_the_client_gets_an_embedding(house: House) -> None:
    served = await house.speaker_worker("who", ScriptedSpeaker({}, ANNA))
    answer = await embed_speaker(UnixEndpoint(served.path), WavAudio(16_000, 2, 1, noise(1.5)))
    assert answer.embedding == ANNA


async def test_the_client_does_not_wait_for_ever(house: House) -> None:
    engine = ScriptedSpeaker({}, ANNA)
    engine.release.clear()
    served = await house.speaker_worker("who", engine)
    with pytest.raises(DeadlineExceeded):
        await embed_speaker(UnixEndpoint(served.path), WavAudio(16_000, 2, 1, noise(1.5)), timeout_s=0.05)
    await until(lambda: not house.threads["who"].busy)  # it was told to stop


async def test_the_client_tells_the_workers_code(house: House) -> None:
    engine = ScriptedSpeaker({}, ANNA)
    engine.error = SpeechTooShort("scripted")
    served = await house.speaker_worker("who", engine)
    with pytest.raises(ServerError) as refused:
        await embed_speaker(UnixEndpoint(served.path), WavAudio(16_000, 2, 1, noise(1.5)))
    assert refused.value.server_code == "speech-too-short"


async def test_the_client_says_that_nobody_listens(runtime_dir: Path) -> None:
    with pytest.raises(WorkerUnavailable):
        await embed_speaker(UnixEndpoint(runtime_dir / "none.sock"), WavAudio(16_000, 2, 1, noise(1.5)))


@pytest.mark.parametrize("vector", [[0.0] * 256, [1.0] * 255, [float("nan")] * 256, "abc"])
def test_an_answer_that_is_no_embedding_is_refused(vector: object) -> None:
    event = Event(EMBEDDED_EVENT, {"vector": vector, "speech_s": 1.0, "model": "m"})
    with pytest.raises(BadRequest):
        SpeechEmbedded.from_event(event)


async def test_an_embedding_is_in_no_text_that_could_be_logged(house: House) -> None:
    found = EmbeddedSpeech(ANNA, 1.0, "m")
    answer = SpeechEmbedded(vector=ANNA.values, speech_s=1.0, model="m")
    assert "1.0, 0.0" not in f"{ANNA} {found!r} {answer!r} {EmbedSpeech(rate_hz=8_000, audio=bytes(4))!r}"


async def test_the_probe_is_answered_by_a_worker_that_embeds(house: House) -> None:
    engine = ScriptedSpeaker({}, ANNA)
    served = await house.speaker_worker("who", engine)
    probe = SpeakerProbe(served.path)
    await probe.check()
    assert engine.asked == [pytest.approx(1.0)]
    engine.error = RuntimeError("scripted")
    engine.utterance = ANNA
    with pytest.raises(ProbeRefused):
        await probe.check()
    served.kill()
    served.path.unlink()
    with pytest.raises(NotYet):
        await probe.check()


async def test_the_fake_speaker_worker_is_a_process_that_ends_when_told(runtime_dir: Path) -> None:
    workers = {
        n: {"engine": "fake", "fake_role": r} for n, r in (("a", "asr"), ("t", "tts"), ("l", "llm"), ("w", "speaker"))
    }
    config = {
        "asr": {"workers": ["a"]},
        "tts": {"workers": ["t"]},
        "conversation": {"workers": ["l"]},
        "speaker": {"workers": ["w"]},
        "workers": workers,
        "paths": {key: str(runtime_dir) for key in ("state_dir", "cache_dir", "runtime_dir")},
    }
    file = runtime_dir / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wyoming_servers", "--config", str(file), "worker", "w",
        cwd=ROOT, env={k: v for k, v in os.environ.items() if not k.startswith("AVATAR_")},
    )  # fmt: skip
    path = socket_path(runtime_dir, "w")
    try:
        await until(path.exists, 60)
        await SpeakerProbe(path).check()
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await running.wait() == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        await running.communicate()
