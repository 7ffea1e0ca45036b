"""The real application over a real store, called without a network; only the system behind it is made up."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from avatar_appliance.admin.app import create_app
from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.admin.system_info import DiskInfo, ProcessExit, ProcessInfo, SystemInfo
from avatar_appliance.admin.token import OwnerToken
from avatar_appliance.chat import Chat, ChatVoice
from avatar_appliance.chat.servers import Servers
from avatar_appliance.client import Endpoint
from avatar_appliance.config import Settings
from avatar_appliance.discovery.status import DiscoveryStatus
from avatar_appliance.pronunciations import HouseholdPronunciations, pronunciations_path
from avatar_appliance.speech import SpeechFigures
from avatar_appliance.store import AudioDirection, AudioStore, Stage, Store, Turn, new_turn_id
from avatar_appliance.turns.turn_feed import TurnFeed
from avatar_appliance.voices.open_voices import make_voices
from avatar_appliance.voices.worker_use import Workers

from .fake_coordinator import FakeCoordinator

WAV = b"RIFF\x2c\x01\x00\x00WAVEfmt " + bytes(range(256)) + bytes(36)
AT = datetime(2025, 11, 23, 8, 0, tzinfo=UTC)

MakeTurn = Callable[..., Awaitable[Turn]]


class FakeSystem:
    """A box whose processes a test sets."""

    def __init__(self) -> None:
        self.servers = {"asr": "ready", "tts": "ready", "conversation": "ready"}
        self.workers = {"asr": {"whisper": "ready"}, "tts": {"piper": "ready", "espeak": "ready"}}

    def processes(self) -> Sequence[ProcessInfo]:
        servers = [
            ProcessInfo(name=f"avatar-{role}", kind="server", role=role, state=state, pid=7, since=AT)  # type: ignore[arg-type]
            for role, state in self.servers.items()
        ]
        workers = [
            ProcessInfo(name=name, kind="worker", role=role, state=state, engine=name, restarts=1,  # type: ignore[arg-type]
                        last_exit=ProcessExit(AT, signal="SIGKILL"), rss_bytes=5)
            for role, states in self.workers.items() for name, state in states.items()
        ]  # fmt: skip
        return [*servers, *workers]

    async def info(self) -> SystemInfo:
        return SystemInfo(
            version="1.2.3",
            python="3.11.7",
            started_at=AT,
            uptime_s=12.5,
            processes=self.processes(),
            disks=[DiskInfo("state", 10, 20)],
            libraries={"fastapi": "0.120"},
            discovery=DiscoveryStatus(running=True, machine_id="0" * 32),
        )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An open, empty store that does not care how full the disk of the tests is."""
    async with Store.open(tmp_path / "state") as opened:
        yield dataclasses.replace(opened, audio=AudioStore(opened.audio.folder, min_free_bytes=0))


@pytest.fixture
def system() -> FakeSystem:
    """A healthy box."""
    return FakeSystem()


@pytest.fixture
def owner(tmp_path: Path) -> OwnerToken:
    """The keeper of the owner's token."""
    return OwnerToken(tmp_path / "state")


@pytest.fixture
def token(owner: OwnerToken) -> str:
    """The token made at the first start."""
    made = owner.ensure()
    assert made is not None
    return made


@pytest.fixture
def coordinator() -> FakeCoordinator:
    """A coordinator with a GPU and three workers."""
    return FakeCoordinator()


async def spoken_so_far() -> SpeechFigures:
    """Answer as the text-to-speech server would."""
    return SpeechFigures(
        cache_hits=3, cache_misses=1, cache_entries=2, cache_bytes=1000, cache_limit_bytes=2000, ahead_enabled=True,
        ahead_answers=4, ahead_made=8, ahead_used=6, ahead_wasted=2,
    )  # fmt: skip


class VoicelessChat(Chat):
    """Talks in a house whose servers are not up, and which says so with an empty list."""

    def __init__(self) -> None:
        nowhere = Endpoint("127.0.0.1", 9)
        super().__init__(Servers(nowhere, nowhere, nowhere), TurnFeed(), ["en"])

    async def voices(self) -> tuple[ChatVoice, ...]:
        return ()


@pytest.fixture
def app(store: Store, owner: OwnerToken, system: FakeSystem, coordinator: FakeCoordinator, tmp_path: Path) -> FastAPI:
    """The application."""
    settings = Settings.from_sources({"paths": {"state_dir": str(tmp_path / "state")}}, {})
    deps = AdminDependencies(
        store=store,
        token=owner,
        system=system,
        coordinator=coordinator,
        pronunciations=HouseholdPronunciations(pronunciations_path(tmp_path / "state")),
        speech_figures=spoken_so_far,
        chat=VoicelessChat(),
        voices=make_voices(settings, store.database, cast("Workers", None)),  # nothing is checked here
    )
    return create_app(deps, allowed_hosts=["avatar.example"])


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token, at 192.0.2.9."""
    transport = httpx.ASGITransport(app=app, client=("192.0.2.9", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8756") as client:
        yield client


@pytest.fixture
async def client(app: FastAPI, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """The owner."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://localhost:8756",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        yield client


@pytest.fixture
def save_turn(store: Store) -> MakeTurn:
    """Save a turn of 2 s with its stages: heard for 1 s, thought, and spoken from 1.5 s on.

    `heard` and `spoken` (one or several) are WAV bytes to keep; other arguments go to the turn.
    """

    async def save(
        started_at: float = 1000.0, *, heard: bytes | None = None, spoken: Sequence[bytes] = (), **values: Any
    ) -> Turn:
        turn_id = new_turn_id(started_at)

        async def stage(kind: Any, start_s: float, end_s: float, wav: bytes | None, **more: Any) -> Stage:
            direction: AudioDirection = "in" if kind == "transcribe" else "out"
            audio = await store.audio.write(turn_id, direction, wav, duration_s=0.5) if wav else None
            return Stage(
                id=f"{turn_id}-{kind}-{start_s}",
                kind=kind,
                connection_id="c1",
                started_at=started_at + start_s,
                first_output_at=started_at + start_s + 0.25,
                ended_at=started_at + end_s,
                audio=audio,
                **more,
            )

        words: dict[str, Any] = {"transcript": "turn on the light", "answer": "done", **values}
        stages = [
            await stage("transcribe", 0, 1.2, heard, detail={"listen_s": 1.0}, text_out=words["transcript"]),
            await stage("think", 1.2, 1.5, None, text_in=words["transcript"], text_out=words["answer"]),
            *[await stage("speak", 1.5 + n / 10, 2, wav) for n, wav in enumerate(spoken or [None])],
        ]
        turn = Turn(
            id=turn_id,
            started_at=started_at,
            **{"ended_at": started_at + 2, **words},
            stages=tuple(stages),
        )
        await store.turns.save([turn], new=[turn.id])
        return turn

    return save


@pytest.fixture
def wav() -> bytes:
    """A short WAV file whose bytes differ."""
    return WAV
