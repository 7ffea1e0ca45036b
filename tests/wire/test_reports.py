"""What the control plane is told about each stage, and what happens while it is away."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from wire_harness.clients import ask, connect, utterance
from wire_harness.engines import WatchedAsr, fake
from wire_harness.house import House
from wire_harness.waiting import until
from wyoming.asr import Transcribe, Transcript
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeVoice

from avatar_appliance.errors import WorkerBusy
from avatar_appliance.turns.report import StageReport, StageStarted
from avatar_appliance.wire import FrameLimits, read_event
from wyoming_servers import report as report_module
from wyoming_servers.report import MAX_WAITING_REPORTS, Reporter, StageRecorder

LIMITS = FrameLimits(payload_bytes=64 * 2**20)


class ControlPlane:
    """Listens on the control socket and keeps what comes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "control.sock"
        self.events: list[Event] = []
        self.connections: list[asyncio.StreamWriter] = []
        self.hang_up_after: int | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, self._path, limit=LIMITS.header_bytes)

    def kill(self) -> None:
        """End as SIGKILL would."""
        assert self._server is not None
        self._server.close()
        for writer in self.connections:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        with contextlib.suppress(OSError):
            while (event := await read_event(reader, LIMITS)) is not None:
                self.events.append(event)
                if self.hang_up_after is not None and len(self.events) >= self.hang_up_after:
                    break
        writer.transport.abort()

    @property
    def numbers(self) -> list[float]:
        """The `started_at` of what came."""
        return [event.data["started_at"] for event in self.events]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_module, "RECONNECT_S", 0.01)


@pytest.fixture
async def control(runtime_dir: Path) -> AsyncIterator[ControlPlane]:
    plane = ControlPlane(runtime_dir)
    yield plane
    if plane._server is not None:
        plane.kill()


@contextlib.asynccontextmanager
async def delivering(reporter: Reporter) -> AsyncIterator[None]:
    task = asyncio.create_task(reporter.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def started(number: float) -> StageStarted:
    return StageStarted(kind="think", connection_id="c1", started_at=number)


def ended(number: float, audio: bytes | None = None) -> StageReport:
    return StageReport(kind="speak", connection_id="c1", started_at=number, ended_at=number + 1, audio=audio)


async def test_reports_arrive_in_order(runtime_dir: Path, control: ControlPlane) -> None:
    await control.start()
    reporter = Reporter(runtime_dir)
    async with delivering(reporter):
        for number in range(0, 40, 2):
            reporter.send(started(number))
            reporter.send(ended(number + 1))
        await until(lambda: len(control.events) == 40)
    assert control.numbers == list(range(40))
    assert StageReport.from_event(control.events[1]) == ended(1)
    assert len(control.connections) == 1


async def test_what_is_reported_while_the_control_plane_is_away_arrives_later(
    runtime_dir: Path, control: ControlPlane
) -> None:
    reporter = Reporter(runtime_dir)
    async with delivering(reporter):
        for number in range(5):
            reporter.send(started(number))
        await control.start()
        await until(lambda: len(control.events) == 5)
    assert control.numbers == list(range(5))


async def test_a_control_plane_that_restarts_gets_what_comes_after(runtime_dir: Path, control: ControlPlane) -> None:
    await control.start()
    reporter = Reporter(runtime_dir)
    async with delivering(reporter):
        reporter.send(started(1))
        await until(lambda: control.numbers == [1])
        control.kill()
        reporter.send(started(2))
        await control.start()
        reporter.send(started(3))
        await until(lambda: control.numbers == [1, 2, 3])
        control.kill()
        await control.start()
        # It reconnects without anything to send: the end of the connection is seen at once.
        await until(lambda: len(control.connections) == 3)


async def test_memory_is_bounded_while_the_control_plane_is_away(
    runtime_dir: Path, control: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    reporter = Reporter(runtime_dir)
    for number in range(MAX_WAITING_REPORTS + 6):
        reporter.send(started(number))
    assert caplog.text.count("lost to the history") == 6
    await control.start()
    async with delivering(reporter):
        await until(lambda: len(control.events) == MAX_WAITING_REPORTS)
    assert control.numbers[0] == 6  # the oldest were dropped


async def test_memory_is_bounded_in_bytes_too(runtime_dir: Path, control: ControlPlane) -> None:
    reporter = Reporter(runtime_dir)
    for number in range(6):
        reporter.send(ended(number, bytes(15 * 2**20)))
    await control.start()
    async with delivering(reporter):
        await until(lambda: len(control.events) == 4)
    assert control.numbers == [2, 3, 4, 5]


async def test_a_report_that_breaks_every_connection_does_not_hold_up_those_behind_it(
    runtime_dir: Path, control: ControlPlane
) -> None:
    reporter = Reporter(runtime_dir)
    reporter.send(ended(1, bytes(8 * 2**20)))
    reporter.send(started(2))

    async def refuse_large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        header = await reader.readline()
        if b"payload_length" not in header:
            data = await reader.readexactly(20)
            control.events.append(Event("small", {"header": header, "data": data}))
        writer.transport.abort()

    server = await asyncio.start_unix_server(refuse_large, runtime_dir / "control.sock")
    async with delivering(reporter):
        await until(lambda: control.events)
    server.close()


async def test_flush_waits_for_what_is_queued_but_not_for_ever(runtime_dir: Path, control: ControlPlane) -> None:
    reporter = Reporter(runtime_dir)
    reporter.send(started(1))
    async with delivering(reporter):
        await reporter.flush(0.02)  # nobody there
        await control.start()
        await reporter.flush(5)
        await until(lambda: control.numbers == [1])
        async with asyncio.timeout(1):
            await reporter.flush(60)  # nothing left


# -- the recorder --------------------------------------------------------------------------------------------------


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


# -- what each server reports --------------------------------------------------------------------------------------


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


# -- privacy -------------------------------------------------------------------------------------------------------

SECRET = "xylophone"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    for name in ("httpx", "httpcore", "asyncio"):
        caplog.set_level(logging.INFO, name)
    return caplog


def said_nothing(log: pytest.LogCaptureFixture) -> bool:
    assert log.records, "nothing was logged: this proves nothing"
    return SECRET not in log.text


class Leaky(WatchedAsr):
    """Breaks with what it heard in its words, as libraries do."""

    def transcribe(self, *arguments: Any) -> Any:
        raise ValueError(f"cannot tokenise {SECRET}")


async def test_what_was_heard_is_in_no_log(house: House, librivox: bytes, log: pytest.LogCaptureFixture) -> None:
    for name, engine in (("good", WatchedAsr(fake("asr", transcript=SECRET))), ("leaky", Leaky())):
        await house.asr_worker(name, engine)
        server = await house.asr([name])
        await ask(server.uri, *utterance(librivox), until=["transcript"])
        wish = Transcribe(transcript_names=[SECRET], context={"text": SECRET})
        await ask(server.uri, *utterance(bytes(32_000), wish=wish), until=["transcript"])
        await server.server.stop()
    assert SECRET in (house.reports.ended[0].text_out or "")
    assert said_nothing(log)


async def test_what_was_spoken_is_in_no_log(house: House, log: pytest.LogCaptureFixture) -> None:
    from wire_harness.engines import WatchedTts

    class LeakyTts(WatchedTts):
        def synthesize(self, *arguments: Any) -> Any:
            raise ValueError(f"cannot speak {SECRET}")

    await house.tts_worker("piper", LeakyTts())
    server = await house.tts(max_text_chars=1000)
    await ask(server.uri, Synthesize(SECRET), until=["audio-stop"])
    await ask(server.uri, Synthesize(SECRET * 200), until=["audio-stop"])
    await ask(server.uri, Synthesize(SECRET, SynthesizeVoice(name=SECRET)), until=["audio-stop"])
    await ask(server.uri, Event("synthesize", {"text": [SECRET]}), until=["audio-stop"])
    assert len(house.reports.ended) == 3
    assert said_nothing(log)


async def test_what_was_asked_and_answered_is_in_no_log(
    house: House, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.llm_worker("chat", answer="{text}", fault="drop", fault_after=1)
    server = await house.conversation(max_text_chars=1000)
    for text in (SECRET, SECRET, SECRET * 200):
        await ask(server.uri, Transcript(text), until=["handled", "not-handled"])

    def leak(*_: object) -> None:
        raise ValueError(f"cannot remember {SECRET}")

    monkeypatch.setattr("wyoming_servers.conversation.memory.ConversationMemory.recall", leak)
    await ask(server.uri, Transcript(SECRET), until=["handled", "not-handled"])
    await ask(server.uri, Event("transcript", {"text": [SECRET]}), until=["handled", "not-handled"])
    assert [report.error_code for report in house.reports.ended] == [None, "worker-failed", "text-too-long", "internal"]
    assert said_nothing(log)


async def test_an_endpoints_error_that_quotes_the_prompt_is_in_no_log(
    house: House, log: pytest.LogCaptureFixture
) -> None:
    from fastapi import FastAPI
    from fastapi.responses import JSONResponse

    app = FastAPI(openapi_url=None)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"data": [{"id": "test"}]}

    @app.post("/v1/chat/completions")
    async def chat() -> JSONResponse:
        return JSONResponse({"error": {"message": f"invalid: {SECRET}"}}, status_code=422)

    await house.llm_worker("chat", app)
    server = await house.conversation()
    await ask(server.uri, Transcript(SECRET), until=["not-handled"])
    assert said_nothing(log)
