"""What people say is in no log line above DEBUG, also where an exception quotes it."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from wire_harness.clients import ask, utterance
from wire_harness.engines import WatchedAsr, fake
from wire_harness.house import House
from wyoming.asr import Transcribe, Transcript
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeVoice

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
