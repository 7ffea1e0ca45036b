"""The command line against a running HTTP API, whose coordinator is made up."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI

from avatar_appliance.admin.app import create_app
from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.admin.owner_socket import serve_owner_socket
from avatar_appliance.admin.token import OwnerToken
from avatar_appliance.cli.__main__ import main
from avatar_appliance.pronunciations import HouseholdPronunciations, pronunciations_path
from avatar_appliance.store import Store

from ..admin.fake_coordinator import FakeCoordinator


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Avatar = Callable[..., Awaitable[Ran]]


@pytest.fixture
def runtime_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short folder for sockets, which the command line is told of."""
    folder = Path(tempfile.mkdtemp(prefix="avatar-"))
    monkeypatch.setenv("AVATAR_PATHS__RUNTIME_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def avatar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, runtime_dir: Path
) -> Avatar:
    """Run the command line in a thread, as a terminal of 80 columns, with nobody's configuration."""
    for name in ("AVATAR_CONFIG", "CREDENTIALS_DIRECTORY", "AVATAR_ADMIN__TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AVATAR_PATHS__STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("AVATAR_PATHS__CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["avatar", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    async def run(*arguments: str) -> Ran:
        return await asyncio.to_thread(call, *arguments)

    return run


@pytest.fixture
def coordinator() -> FakeCoordinator:
    """A coordinator with a GPU and three workers."""
    return FakeCoordinator()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An open, empty store."""
    async with Store.open(tmp_path / "state") as opened:
        yield opened


@pytest.fixture
def api(store: Store, coordinator: FakeCoordinator, tmp_path: Path) -> FastAPI:
    """The HTTP API."""
    token = OwnerToken(tmp_path / "state")
    system = cast("Any", None)
    household = HouseholdPronunciations(pronunciations_path(tmp_path / "state"))
    return create_app(
        AdminDependencies(store=store, token=token, system=system, coordinator=coordinator, pronunciations=household)
    )


@pytest.fixture
async def appliance(api: FastAPI, runtime_dir: Path) -> AsyncIterator[None]:
    """The HTTP API on the owner's socket."""
    async with serve_owner_socket(api, runtime_dir):
        yield
