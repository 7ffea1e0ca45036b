"""`avatar voices` on the running appliance."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI

from avatar_appliance.admin.app import create_app
from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.admin.token import OwnerToken
from avatar_appliance.store import Store

from .conftest import Avatar

sys.path.insert(0, str(Path(__file__).parents[2]))  # for `voice_harness`

from voice_harness.house import VoiceHouse, good


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[VoiceHouse]:
    async with VoiceHouse.open(tmp_path / "house") as opened:
        yield opened


@pytest.fixture
def api(store: Store, house: VoiceHouse, tmp_path: Path) -> FastAPI:
    token = OwnerToken(tmp_path / "state")
    return create_app(AdminDependencies(store=store, token=token, system=cast("Any", None), voices=house.voices))


@pytest.fixture
def recording(tmp_path: Path) -> str:
    path = tmp_path / "anna.wav"
    path.write_bytes(good())
    return str(path)


ADD = ("--name", "Anna", "-l", "en", "--consent-by", "Anna")


@pytest.mark.usefixtures("appliance")
async def test_a_recording_becomes_a_voice_from_the_command_line(avatar: Avatar, recording: str) -> None:
    assert "no voice profile yet" in (await avatar("voices", "list")).err
    added = await avatar("voices", "add", recording, *ADD)
    assert added.code == 0, added.err
    assert "anna (Anna): ready, version 1, score 100 of 100" in added.out
    assert "ready" in (await avatar("voices", "list")).out
    listed = json.loads((await avatar("voices", "list", "--json")).out)
    assert listed["items"][0]["consent"]["purpose"] == "speaking in this house"
    assert "(媽媽): ready" in (await avatar("voices", "rename", "anna", "媽媽")).out
    assert "version 2" in (await avatar("voices", "change", "anna", "--speed", "1.2", "-l", "en", "-l", "zh-TW")).out
    assert (await avatar("voices", "default", "anna")).code == 0
    assert "(default)" in (await avatar("voices", "list")).out
    assert (await avatar("voices", "check", "anna")).code == 0
    assert "version 3" in (await avatar("voices", "record", "anna", recording)).out
    assert json.loads((await avatar("voices", "show", "anna", "--json")).out)["version"] == 3


@pytest.mark.usefixtures("appliance")
async def test_a_voice_goes_into_a_file_and_comes_back(avatar: Avatar, recording: str, tmp_path: Path) -> None:
    await avatar("voices", "add", recording, *ADD)
    exported = await avatar("voices", "export", "anna")
    assert exported.out.strip() == "anna.avatar-voice.zip"
    assert (tmp_path / "anna.avatar-voice.zip").stat().st_mode & 0o077 == 0
    assert (await avatar("voices", "delete", "anna", "--yes")).out == "anna is deleted\n"
    again = await avatar("voices", "import", "anna.avatar-voice.zip")
    assert again.code == 0, again.err
    assert "anna (Anna): ready" in again.out


@pytest.mark.usefixtures("appliance")
async def test_without_consent_it_is_kept_and_the_exit_code_says_so(avatar: Avatar, recording: str) -> None:
    added = await avatar("voices", "add", recording, "--name", "Anna", "-l", "en")
    assert added.code == 1
    assert "consent" in added.out


@pytest.mark.usefixtures("appliance")
async def test_a_terminal_in_chinese_reads_chinese(
    avatar: Avatar, recording: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_TW.UTF-8")
    assert "同意紀錄" in (await avatar("voices", "add", recording, "--name", "Anna", "-l", "en")).out


@pytest.mark.usefixtures("appliance")
async def test_a_bad_file_and_an_unknown_voice_are_said_plainly(avatar: Avatar, tmp_path: Path) -> None:
    (tmp_path / "letter.wav").write_text("Dear diary")
    refused = await avatar("voices", "add", str(tmp_path / "letter.wav"), *ADD)
    assert refused.code == 65
    assert "no sound file" in refused.err
    assert "recording-refused" in refused.err
    for command in (("show", "nobody"), ("delete", "nobody", "--yes"), ("export", "nobody"), ("check", "nobody")):
        assert (await avatar("voices", *command)).code == 65
    assert (await avatar("voices", "change", "nobody")).code == 65
