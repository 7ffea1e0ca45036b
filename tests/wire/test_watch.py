"""What workers offer, kept in memory; and workers that describe themselves strangely."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from wire_harness.clients import ask
from wire_harness.engines import WatchedTts, fake
from wire_harness.house import House
from wire_harness.scripted import ScriptedHandler
from wire_harness.servers import Servers
from wire_harness.waiting import until
from wyoming.event import Event
from wyoming.info import Describe, Info

from avatar_appliance.config.workers import WyomingWorker
from avatar_appliance.errors import WorkerFailed, WorkerUnavailable
from wyoming_servers.backends import watch as watch_module
from wyoming_servers.backends.watch import WorkerWatch
from wyoming_servers.backends.wyoming_worker import WyomingWorkerLink


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "UNKNOWN_INTERVAL_S", 0.01)
    monkeypatch.setattr(watch_module, "KNOWN_INTERVAL_S", 0.02)


@asynccontextmanager
async def watching(watch: WorkerWatch) -> AsyncIterator[WorkerWatch]:
    task = asyncio.create_task(watch.run())
    try:
        yield watch
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_worker_is_known_as_soon_as_it_is_there_and_stays_known_while_it_is_away(house: House) -> None:
    watch = house.watch(house.links(["piper"]))
    async with watching(watch):
        assert watch.info("piper") is None
        assert not watch.all_known
        worker = await house.tts_worker("piper")
        await until(lambda: watch.all_known)
        info = watch.info("piper")
        worker.kill()
        await until(lambda: watch._links[0].down_since_s)
        assert watch.info("piper") == info


async def test_listeners_hear_of_changes_only(house: House) -> None:
    watch = house.watch(house.links(["piper"]))
    heard: list[list[str]] = []
    rounds = 0

    def listen() -> None:
        info = watch.info("piper")
        assert info is not None
        heard.append([voice.name for voice in info.tts[0].voices])

    def count() -> bool:
        nonlocal rounds
        rounds += 1
        return rounds > 4

    watch.on_change(listen)
    async with watching(watch):
        worker = await house.tts_worker("piper", WatchedTts(fake("tts", languages=["en"])))
        await watch.wait_until(count)  # looked at after each answer: several brought no news
        assert heard == [["fake-en"]]
        worker.kill()
        await house.tts_worker("piper", WatchedTts(fake("tts", languages=["en", "de"])))
        await until(lambda: len(heard) == 2)
    assert heard[1] == ["fake-en", "fake-de"]


async def test_wait_first_is_for_the_first_rung(house: House) -> None:
    watch = house.watch(house.links(["piper", "espeak"]))
    async with watching(watch):
        waiting = asyncio.create_task(watch.wait_first())
        await house.tts_worker("espeak")
        await until(lambda: watch.info("espeak"))
        assert not waiting.done()
        await house.tts_worker("piper")
        await waiting


async def test_a_listener_that_cannot_take_an_offer_ends_neither_the_watch_nor_the_others(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    watch = house.watch(house.links(["piper", "espeak"]))

    def choosy() -> None:
        if watch.info("piper"):
            raise ValueError("absurd")

    watch.on_change(choosy)
    await house.tts_worker("piper")
    async with watching(watch):
        await until(lambda: "piper" in caplog.text)
        await house.tts_worker("espeak")
        await until(lambda: watch.info("espeak"))
        assert watch.info("piper") is None


@pytest.mark.parametrize(
    "info",
    [
        {"tts": 5},
        {"tts": [{"name": "x"}]},
        {"asr": "text"},
        {"tts": [{"name": "x", "attribution": 3, "installed": True, "voices": []}]},
    ],
)
async def test_a_worker_that_describes_itself_wrongly_is_a_failed_worker(
    servers: Servers, runtime_dir: object, info: dict[str, object]
) -> None:
    class Strange(ScriptedHandler):
        def info(self) -> Info:
            class Wrong(Info):
                def event(self) -> Event:
                    return Event("info", info)

            return Wrong()

    served = await servers.start(Strange(), "strange")
    settings = WyomingWorker(engine="wyoming", wyoming_role="tts", uri=f"unix://{served.path}")
    with pytest.raises(WorkerFailed):
        await WyomingWorkerLink("strange", settings, served.path.parent).describe()


async def test_a_worker_that_accepts_and_says_nothing_is_a_failed_worker(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wyoming_servers.backends.wyoming_worker.DESCRIBE_TIMEOUT_S", 0.05)
    path = servers._folder / "silent.sock"

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_unix_server(silent, path)
    settings = WyomingWorker(engine="wyoming", wyoming_role="asr", uri=f"unix://{path}")
    with pytest.raises(WorkerFailed):
        await WyomingWorkerLink("silent", settings, path.parent).describe()
    listener.close()


async def test_a_worker_on_another_machine_is_reached_by_tcp(house: House) -> None:
    from avatar_appliance.config.settings import LimitsSettings
    from wyoming_servers.base import WyomingServer

    for host in ("127.0.0.1", "::1"):
        server = WyomingServer(ScriptedHandler(), LimitsSettings(drain_s=0))
        port = await server.listen_tcp(host, 0)
        uri = f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
        link = WyomingWorkerLink("far", WyomingWorker(engine="wyoming", wyoming_role="asr", uri=uri), house.runtime_dir)
        assert (await link.describe()).handle[0].name == "first"
        await server.stop()
        with pytest.raises(WorkerUnavailable):
            await link.describe()


async def test_the_code_of_a_foreign_error_is_logged_and_its_text_is_not(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """It may quote what was said; and a code that is none is not believed either."""
    caplog.set_level(logging.INFO)

    class Foreign(ScriptedHandler):
        def info(self) -> Info:
            return Info(tts=[WatchedTts().program()])

        async def _synthesize(self, request: object) -> None:
            await request.answer(Event("error", {"text": "cannot say xylophone", "code": "no xylophone"}))  # type: ignore[attr-defined]

    await house._servers.start(Foreign(), "worker-piper")
    server = await house.tts()
    (event,) = await ask(server.uri, Event("synthesize", {"text": "hello"}), until=["audio-stop"])
    assert event.data["code"] == "worker-failed"
    assert "xylophone" not in event.data["text"]
    assert "xylophone" not in caplog.text


async def test_describe_is_answered_from_memory_while_all_workers_are_away(house: House) -> None:
    worker = await house.tts_worker("piper")
    server = await house.tts()
    worker.kill()
    info = Info.from_event((await ask(server.uri, Describe(), until=["info"]))[-1])
    assert [voice.name for voice in info.tts[0].voices] == ["fake-en", "fake-zh-TW"]
