"""What the control plane is told about each stage, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import io
import wave
from pathlib import Path

import pytest
from wire_harness.clients import ask, connect, utterance
from wire_harness.engines import WatchedAsr
from wire_harness.house import House
from wire_harness.waiting import until
from wyoming.asr import Transcribe, Transcript
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.errors import WorkerBusy
from avatar_appliance.turns.report import StageReport, StageStarted
from wyoming_servers.report import Reporter, StageRecorder


class Kept(Reporter):
    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self.ended: list[StageReport] = []

    def send(self, report: StageStarted | StageReport) -> None:
        if isinstance(report, StageReport):
            self.ended.append(StageReport.from_event(report.to_event()))


@pytest.mark.parametrize(
    ("error", "timed_out", "code", "cancelled"),
    [
        (None, False, None, False),
        (WorkerBusy("x"), False, "worker-busy", False),
        (ZeroDivisionError(), False, "internal", False),
        (OSError("disk"), False, "internal", False),
        (ConnectionResetError(), False, None, True),
        (asyncio.CancelledError(), False, None, True),
        (asyncio.CancelledError(), True, "deadline-exceeded", False),
    ],
)
async def test_however_a_stage_ends_it_is_reported(
    error: BaseException | None, timed_out: bool, code: str | None, cancelled: bool
) -> None:
    kept = Kept()
    recorder = StageRecorder(kept, "think", "c1", keep_audio=True)
    recorder.timed_out = lambda: timed_out
    with contextlib.suppress(BaseException):
        async with recorder:
            if error is not None:
                raise error
    (report,) = kept.ended
    assert (report.error_code, report.cancelled) == (code, cancelled)
    assert report.ended_at >= report.started_at


async def test_whatever_a_client_sends_the_control_plane_can_take_the_report() -> None:
    kept = Kept()
    async with StageRecorder(kept, "speak", "c1", keep_audio=True) as recorder:
        recorder.note_context({"conversation_id": "x" * 999, "satellite_id": 5, "device_id": "a\nb"})
        recorder.language = "l" * 999
        recorder.text_in = recorder.text_out = "字" * 100_000
        recorder.voice = "v" * 999
        recorder.degraded = "d" * 9999
        recorder.detail = {"nothing": None, "some": 1.5}
        recorder.audio_duration_s = 900.0
        recorder.audio = lambda: bytes(33 * 2**20)
    (report,) = kept.ended
    assert (report.conversation_id, report.satellite_id, report.device_id, report.language) == (None,) * 4
    assert report.text_in == "字" * 32_000
    assert report.detail == {"some": 1.5}
    assert report.audio is None


async def test_without_a_reporter_nothing_is_kept() -> None:
    async with StageRecorder(None, "speak", "c1", keep_audio=True) as recorder:
        assert not recorder.keep_audio


def seconds_in(wav: bytes | None) -> float:
    assert wav is not None
    with wave.open(io.BytesIO(wav)) as file:
        return file.getnframes() / file.getframerate()


async def test_a_transcribe_stage_is_reported(house: House, librivox: bytes) -> None:
    await house.asr_worker("whisper")
    server = await house.asr()
    context = {"conversation_id": "c", "satellite_id": "assist_satellite.kitchen", "device_id": "d"}
    wish = Transcribe(language="en", context=context)
    await ask(server.uri, *utterance(librivox, wish=wish), until=["transcript-stop"])
    report = await house.reports.one()
    (begun,) = house.reports.started
    assert (begun.kind, begun.connection_id, begun.started_at) == (report.kind, report.connection_id, report.started_at)
    assert report.kind == "transcribe"
    assert report.text_out == "turn on the kitchen light"
    assert (report.worker, report.language, report.degraded) == ("whisper", "en", None)
    assert (report.conversation_id, report.satellite_id, report.device_id) == tuple(context.values())
    assert report.audio_duration_s == pytest.approx(2.99, abs=0.01)
    assert seconds_in(report.audio) == pytest.approx(2.99, abs=0.01)
    assert report.first_output_at is not None
    assert report.started_at <= report.first_output_at <= report.ended_at
    assert report.detail["avg_logprob"] == -0.1
    assert report.detail["ended_by"] == "client"
    assert {"listen_s", "decode_s", "speech_s"} <= set(report.detail)


async def test_a_speak_stage_is_reported(house: House) -> None:
    await house.tts_worker("piper")
    server = await house.tts()
    voice = SynthesizeVoice(name="fake-en")
    await ask(server.uri, Synthesize("hello **you**", voice, context={"conversation_id": "c"}), until=["audio-stop"])
    report = await house.reports.one()
    assert report.kind == "speak"
    assert report.text_in == "hello **you**"
    assert (report.worker, report.voice, report.language) == ("piper", "fake-en", "en")
    assert report.conversation_id == "c"
    assert report.audio_duration_s == pytest.approx(8 * 0.06, abs=0.01)
    assert seconds_in(report.audio) == pytest.approx(report.audio_duration_s, abs=0.001)
    assert report.first_output_at is not None


@pytest.mark.parametrize(("text", "language"), [("Good morning.", "en"), ("早安，大家好。", "zh-TW")])
async def test_without_a_voice_the_stage_is_in_the_language_of_the_text(house: House, text: str, language: str) -> None:
    await house.tts_worker("piper")
    server = await house.tts()
    await ask(server.uri, Synthesize(text), until=["audio-stop"])
    report = await house.reports.one()
    assert (report.voice, report.language) == (f"fake-{language}", language)


async def test_a_think_stage_is_reported_with_its_question_from_the_start(house: House) -> None:
    await house.llm_worker("chat", answer="The light is on.")
    server = await house.conversation()
    transcript = Transcript(" light on? ", language="en", context={"conversation_id": "c", "satellite_id": "s"})
    await ask(server.uri, transcript, until=["handled-stop"])
    report = await house.reports.one()
    (begun,) = house.reports.started
    assert (begun.text_in, begun.conversation_id, begun.satellite_id) == ("light on?", "c", "s")
    assert (report.text_in, report.text_out) == ("light on?", "The light is on.")
    assert (report.worker, report.language, report.conversation_id) == ("chat", "en", "c")
    assert report.detail["pieces"] == 4
    assert report.first_output_at is not None


@pytest.mark.parametrize("keep", [True, False])
async def test_audio_is_reported_only_where_it_is_kept(house: House, librivox: bytes, keep: bool) -> None:
    await house.asr_worker("whisper")
    server = await house.asr(keep_audio=keep)
    await ask(server.uri, *utterance(librivox), until=["transcript-stop"])
    assert ((await house.reports.one()).audio is not None) is keep


async def test_a_client_that_hangs_up_on_its_answer_is_no_cancelled_turn(house: House, librivox: bytes) -> None:
    """Home Assistant does, on `transcript` and on `handled`."""
    await house.asr_worker("whisper")
    await house.llm_worker("chat")
    asr, conversation = await house.asr(), await house.conversation()
    for served, events, last in (
        (asr, utterance(librivox), "transcript"),
        (conversation, [Transcript("hi").event()], "handled"),
    ):
        async with connect(served.uri) as client:
            await client.send(*events)
            await client.receive_until(last)
            client.abort()
    await until(lambda: len(house.reports.ended) == 2)
    assert not any(report.cancelled for report in house.reports.ended)


async def test_a_stage_is_announced_while_it_runs(house: House, librivox: bytes) -> None:
    engine = WatchedAsr(held=True)
    await house.asr_worker("whisper", engine)
    server = await house.asr()
    async with connect(server.uri) as client:
        await client.send(*utterance(librivox))
        await until(lambda: engine.running)
        assert len(house.reports.started) == 1
        assert not house.reports.ended
        engine.release.set()
        await client.receive_until("transcript")
