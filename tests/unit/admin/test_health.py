from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from avatar_appliance.admin.app import create_app
from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.admin.store_probe import StoreProbe
from avatar_appliance.admin.token import OwnerToken
from avatar_appliance.store import Database, Store

from .conftest import FakeSystem


async def test_a_healthy_box_is_ok_for_everybody(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "store": "ok", "servers": "ok", "workers": "ok"}
    assert (await stranger.head("/health")).status_code == 200


@pytest.mark.parametrize("state", ["stopped", "starting", "stopping", "failed"])
async def test_a_server_that_is_not_ready_is_down(stranger: httpx.AsyncClient, system: FakeSystem, state: str) -> None:
    system.servers["tts"] = state
    answer = await stranger.get("/health")
    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "store": "ok", "servers": "down", "workers": "ok"}


@pytest.mark.parametrize(
    ("tts", "status"),
    [
        ({"piper": "ready", "espeak": "starting"}, "ok"),
        ({"piper": "ready", "espeak": "failed"}, "degraded"),
        ({"piper": "starting"}, "degraded"),
        ({"piper": "stopping", "espeak": "starting"}, "degraded"),
        ({"piper": "sleeping"}, "ok"),
        ({"piper": "stopped"}, "ok"),
    ],
)
async def test_trouble_with_workers_is_degraded_and_still_200(
    stranger: httpx.AsyncClient, system: FakeSystem, tts: dict[str, str], status: str
) -> None:
    system.workers["tts"] = tts
    answer = await stranger.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == answer.json()["workers"] == status


async def test_the_worst_part_decides(stranger: httpx.AsyncClient, system: FakeSystem) -> None:
    system.workers["tts"] = {"piper": "failed"}
    system.servers["asr"] = "failed"
    answer = (await stranger.get("/health")).json()
    assert (answer["status"], answer["workers"]) == ("down", "degraded")


async def test_a_store_that_cannot_be_written_is_down(stranger: httpx.AsyncClient, store: Store) -> None:
    """A transaction can still begin here, as on a full disk: only a write shows it."""
    async with store.database.transaction() as transaction:
        await transaction.execute("PRAGMA query_only = ON")
    answer = await stranger.get("/health")
    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "store": "down", "servers": "ok", "workers": "ok"}


async def test_a_closed_store_is_down(tmp_path: Path, owner: OwnerToken, system: FakeSystem) -> None:
    async with Store.open(tmp_path / "closed") as store:
        app = create_app(AdminDependencies(store=store, token=owner, system=system))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/health")).json()["store"] == "down"


async def test_health_names_nothing_private(stranger: httpx.AsyncClient, system: FakeSystem, app: FastAPI) -> None:
    system.workers["tts"] = {"voice-of-grandmother": "failed"}
    assert "grandmother" not in (await stranger.get("/health")).text


class TestStoreProbe:
    """Found out by writing, and not too often."""

    class Clock:
        now_s = 0.0

        def __call__(self) -> float:
            return self.now_s

    @staticmethod
    @asynccontextmanager
    async def _locked_by_another(path: Path) -> AsyncIterator[None]:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()

    async def test_it_writes_one_page_for_many_askers_until_the_answer_is_old(self, store: Store) -> None:
        clock = self.Clock()
        probe = StoreProbe(store.database, fresh_s=5, clock=clock)
        log = store.database.path.with_name("avatar.db-wal")
        assert await probe.is_writable()
        after_first = log.stat().st_size
        assert all(await asyncio.gather(*[probe.is_writable() for _ in range(50)]))
        assert log.stat().st_size == after_first
        clock.now_s += 5
        assert all(await asyncio.gather(*[probe.is_writable() for _ in range(50)]))
        assert 0 < log.stat().st_size - after_first < 2 * 4200

    async def test_it_changes_nothing(self, store: Store) -> None:
        before = await store.database.fetch_one("PRAGMA user_version")
        await StoreProbe(store.database).is_writable()
        after = await store.database.fetch_one("PRAGMA user_version")
        assert before is not None
        assert after is not None
        assert before[0] == after[0] > 0

    async def test_a_lock_held_by_another_process_is_not_writable(self, tmp_path: Path) -> None:
        async with Database.open(tmp_path / "avatar.db", busy_timeout_s=0.01) as database:
            probe = StoreProbe(database, fresh_s=0)
            async with self._locked_by_another(database.path):
                assert not await probe.is_writable()
            assert await probe.is_writable()

    async def test_nobody_waits_for_a_writer_that_hangs(self, store: Store) -> None:
        """The probe goes on behind the answer, and what it finds in the end is used."""
        probe = StoreProbe(store.database, wait_s=0.01)
        async with store.database.transaction():
            assert not await probe.is_writable()
            assert not await probe.is_writable()
        patient = StoreProbe(store.database, wait_s=5)
        assert await patient.is_writable()  # queued behind the first probe, so that one has ended
        assert await probe.is_writable()
