"""What the speech-to-text server offers, and choosing from it."""

from __future__ import annotations

from typing import Any

from wire_harness.clients import ask, utterance
from wire_harness.engines import WatchedAsr, fake
from wire_harness.house import House
from wire_harness.listening import hear
from wyoming.asr import Transcribe, Transcript
from wyoming.info import Describe, Info, SelectProgram


async def describe(uri: str) -> Info:
    return Info.from_event((await ask(uri, Describe(), until=["info"]))[-1])


async def test_the_offer_names_the_house_its_languages_and_the_workers_models(house: House) -> None:
    await house.asr_worker("whisper", WatchedAsr(fake("asr", languages=["en", "zh", "de"])))
    server = await house.asr()
    await until_described(server.uri, lambda info: info.asr[0].models[0].name == "fake")
    (program,) = (await describe(server.uri)).asr
    assert program.name == "House STT"
    assert program.installed
    assert not program.requires_external_vad
    assert program.supports_transcript_streaming
    assert set(program.models[0].languages) == {"en", "zh", "de", "zh-TW"}


async def until_described(uri: str, condition: Any) -> None:
    """Wait until the server's offer is as wanted."""
    import asyncio

    async with asyncio.timeout(10):
        while not condition(await describe(uri)):
            await asyncio.sleep(0.01)


async def test_before_any_worker_answered_the_offer_has_the_houses_languages(house: House) -> None:
    """Home Assistant fixes the languages at set-up."""
    server = await house.asr(["nobody"])
    (program,) = (await describe(server.uri)).asr
    assert program.models[0].languages == ["en", "zh-TW"]
    assert not program.installed  # and it is not announced yet


async def test_with_client_endpointing_home_assistant_is_asked_for_its_own(house: House) -> None:
    server = await house.asr(["nobody"], settings={"endpointing": "client"})
    assert (await describe(server.uri)).asr[0].requires_external_vad


async def test_a_worker_can_be_chosen_by_program_and_by_model(house: House, librivox: bytes) -> None:
    for name in ("large", "small"):
        engine = WatchedAsr(fake("asr", transcript=f"from {name}"))
        program = engine.program()
        program.models[0].name = f"model-{name}"
        engine.program = lambda program=program: program  # type: ignore[method-assign,misc]
        await house.asr_worker(name, engine)
    server = await house.asr(["large", "small"])
    await until_described(server.uri, lambda info: len(info.asr[0].models) == 2)
    assert [p.name for p in (await describe(server.uri)).asr] == ["House STT", "large", "small"]
    events = await ask(server.uri, SelectProgram("small"), *utterance(librivox), until=["transcript"])
    assert Transcript.from_event(events[-1]).text == "from small"
    assert (await hear(server.uri, librivox, wish=Transcribe(name="model-small"))).text == "from small"
    assert (await hear(server.uri, librivox, wish=Transcribe(name="no such model"))).text == "from large"
