"""What workers offered last outlives them and us: Home Assistant must not see voices come and go."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from wire_harness.clients import ask
from wire_harness.engines import WatchedTts, fake
from wire_harness.house import House
from wire_harness.waiting import until
from wyoming.info import Describe, Info

from wyoming_servers.backends import watch as watch_module
from wyoming_servers.backends.offers import MAX_FILE_BYTES, Offers
from wyoming_servers.backends.watch import WorkerWatch


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "UNKNOWN_INTERVAL_S", 0.01)
    monkeypatch.setattr(watch_module, "KNOWN_INTERVAL_S", 0.02)


@contextlib.asynccontextmanager
async def watching(watch: WorkerWatch) -> AsyncIterator[WorkerWatch]:
    task = asyncio.create_task(watch.run())
    try:
        yield watch
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def voices(*languages: str) -> WatchedTts:
    return WatchedTts(fake("tts", languages=list(languages)))


def kept(house: House, worker: str = "piper") -> Path:
    return house.runtime_dir / "cache" / "offers" / f"{worker}.json"


async def seen_once(house: House) -> None:
    """Let a life of ours see the worker, and both end."""
    worker = await house.tts_worker("piper", voices("en"))
    async with watching(house.watch(house.links(["piper"]))):
        await until(kept(house).exists)
    worker.kill()


async def test_a_stopped_worker_keeps_its_voices_in_the_next_life_of_the_server(house: House) -> None:
    await seen_once(house)
    server = await house.tts()  # waits until all are known: at once
    info = Info.from_event((await ask(server.uri, Describe(), until=["info"]))[-1])
    assert [voice.name for voice in info.tts[0].voices] == ["fake-en"]
    assert info.tts[0].installed


async def test_what_a_worker_says_replaces_what_was_kept(house: House) -> None:
    await seen_once(house)
    watch = house.watch(house.links(["piper"]))
    async with watching(watch):
        await until(lambda: watch.all_known)
        await house.tts_worker("piper", voices("en", "de"))
        await until(lambda: len(json.loads(kept(house).read_text())["info"]["tts"][0]["voices"]) == 2)
    info = watch.info("piper")
    assert info is not None
    assert [voice.name for voice in info.tts[0].voices] == ["fake-en", "fake-de"]
    assert [path.name for path in kept(house).parent.iterdir()] == ["piper.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"engine": "fake"}',
        b'{"engine": "fake", "info": []}',
        b'{"engine": "fake", "info": {"tts": 5}}',
        b'{"engine": "fake", "info": {"tts": [{"name": "x"}]}}',
        b'{"engine": "fake", "info": {"tts": [{"name": "x", "attribution": {"name": "", "url": ""}, "installed": true,'
        b' "description": null, "version": null, "voices": [{"name": "v", "attribution": {"name": "", "url": ""},'
        b' "installed": true, "description": null, "version": null, "languages": [5]}]}]}}',
        b"[" * 100_000,
        b" " * (MAX_FILE_BYTES + 1),
    ],
)
async def test_a_file_that_is_no_offer_is_ignored_and_replaced(house: House, content: bytes) -> None:
    kept(house).parent.mkdir(parents=True)
    kept(house).write_bytes(content)
    server = await house.tts(wait=False)
    info = Info.from_event((await ask(server.uri, Describe(), until=["info"]))[-1])
    assert info.tts[0].voices == []
    await house.tts_worker("piper", voices("en"))
    await until(lambda: b"fake-en" in kept(house).read_bytes())


async def test_what_another_engine_offered_under_the_name_is_not_its_offer(house: House) -> None:
    await seen_once(house)
    kept(house).write_text(kept(house).read_text().replace('"engine": "fake"', '"engine": "piper"'))
    watch = house.watch(house.links(["piper"]))
    async with watching(watch):
        await asyncio.sleep(0)
        assert watch.info("piper") is None
        assert watch.unknown == ["piper"]


async def test_a_folder_that_cannot_be_written_costs_nothing_but_the_memory(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    (house.runtime_dir / "cache").write_text("no folder")
    watch = house.watch(house.links(["piper"]))
    async with watching(watch):
        await house.tts_worker("piper")
        await until(lambda: watch.all_known)
        await until(lambda: "cannot be kept" in caplog.text)


def test_a_write_that_fails_leaves_the_old_offer_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offers = Offers(tmp_path)
    offers.write("piper", "piper", Info(tts=[voices("en").program()]))

    def full(_self: Path, _target: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        offers.write("piper", "piper", Info())
    monkeypatch.undo()
    found = offers.read("piper", "piper")
    assert found is not None
    assert found.tts[0].voices[0].name == "fake-en"
    assert [path.name for path in (tmp_path / "offers").iterdir()] == ["piper.json"]


async def test_watching_asks_the_coordinator_for_nothing(house: House) -> None:
    """A worker is stopped to save memory: looking at it must not bring it back."""
    coordinator = await house.coordinator()
    await seen_once(house)
    links = house.links(["piper", "never-seen"])
    async with watching(house.watch(links)):
        await until(lambda: all(link.down_since_s for link in links))
    assert coordinator.book.events == []
