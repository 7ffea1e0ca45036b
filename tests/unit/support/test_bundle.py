"""Private things are planted everywhere they could be; none of them is in the bundle."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from avatar_appliance.admin.app import create_app
from avatar_appliance.admin.dependencies import AdminDependencies
from avatar_appliance.admin.owner_socket import serve_owner_socket
from avatar_appliance.admin.token import OwnerToken
from avatar_appliance.config import Settings, load_settings
from avatar_appliance.coordinator.decision import Decision
from avatar_appliance.store import DecisionRecord, Stage, Store, Turn, new_turn_id
from avatar_appliance.support import Part, collect, write_bundle

from ..admin.fake_coordinator import FakeCoordinator

SAID = "does grandmother Eulalia come on Sunday"
ANSWERED = "she comes at seven and brings the blue suitcase"
THOUGHT = "the alarm code is four two nine nine"
SAID_ZH = "奶奶星期天會帶藍色行李箱來嗎"
PERSONA = "You are the butler of the Winterbottom family and know their secrets."
SPOKEN_REFERENCE = "My name is Rosalind and I was born in Grimsby."
ADMIN_TOKEN = "avatar_planted-admin-token-0123456789"
HA_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJwbGFudGVkIjoxfQ.c2lnbmF0dXJl"
PASSPHRASE = "planted passphrase of the backup"
ENVIRONMENT_KEY = "planted-value-of-an-environment-variable"
URL_PASSWORD = "hunter2planted"
CREDENTIAL = "planted-credential-0123456789"
PRIVATE = (
    SAID, ANSWERED, THOUGHT, SAID_ZH, PERSONA, SPOKEN_REFERENCE, ADMIN_TOKEN, HA_TOKEN, PASSPHRASE, ENVIRONMENT_KEY,
    URL_PASSWORD, CREDENTIAL, "Eulalia", "suitcase", "Winterbottom", "Rosalind", "Grimsby", "rosalind", "nursery",
    "藍色行李箱", "星期天", "four two nine", "zephyr", "mortimer", "planted",
)  # fmt: skip

JOURNAL = [
    {"MESSAGE": f"worker said {SAID}", "LOGGER": "avatar_appliance.turns", "PRIORITY": "4"},
    {"MESSAGE": f"cut off: ...{SAID[5:30]}...", "LOGGER": "wyoming_servers.tts", "PRIORITY": "3"},
    {"MESSAGE": f"聽到 {SAID_ZH[2:9]}", "LOGGER": "wyoming_servers.asr", "PRIORITY": "4"},
    {"MESSAGE": "a prompt nobody has heard of: mortimer's diary", "LOGGER": "vllm.engine", "PRIORITY": "4"},
    {"MESSAGE": "raw output with mortimer in it", "PRIORITY": "3"},
    {"MESSAGE": f"Authorization: Bearer {CREDENTIAL} refused", "LOGGER": "avatar_appliance.admin", "PRIORITY": "4"},
    {"MESSAGE": f"cannot reach http://anna:{URL_PASSWORD}@192.0.2.7/v1", "LOGGER": "wyoming_servers", "PRIORITY": "4"},
    {"MESSAGE": f"token={HA_TOKEN}", "LOGGER": "avatar_appliance.house", "PRIORITY": "4"},
    {"MESSAGE": "satellite nursery is gone", "LOGGER": "avatar_appliance.turns", "PRIORITY": "4"},
    {"MESSAGE": "the GPU was lost", "LOGGER": "avatar_appliance.coordinator", "PRIORITY": "3"},
    {"MESSAGE": "everything is fine, zephyr", "LOGGER": "avatar_appliance.turns", "PRIORITY": "6"},
    {"MESSAGE": "avatar-worker@piper.service: Main process exited, code=killed", "SYSLOG_IDENTIFIER": "systemd",
     "_PID": "1", "PRIORITY": "4"},
]  # fmt: skip
CONFIG: dict[str, Any] = {
    "house": {"name": "Winterbottom"},
    "conversation": {"persona": {"en": PERSONA}, "workers": ["big"], "port": 5, "openai_port": None},
    "asr": {"port": 2},
    "admin": {"token": ADMIN_TOKEN, "port": 3},  # nobody is there
    "home_assistant": {"url": "http://ha.example.org:8123", "token": HA_TOKEN},
    "backup": {"passphrase": PASSPHRASE},
    "tts": {"workers": ["studio", "espeak"], "port": 4},
    "workers": {
        "whisper-base": {"engine": "faster-whisper", "env": {"HF_TOKEN": ENVIRONMENT_KEY}},
        "espeak": {"engine": "espeak-ng"},
        "big": {"engine": "openai", "base_url": f"http://anna:{URL_PASSWORD}@192.0.2.7:8000/v1", "api_key": CREDENTIAL},
        "studio": {
            "engine": "f5-tts",
            "model": "/models/f5",
            "voices": [
                {
                    "name": "rosalind",
                    "language": "en",
                    "reference_audio": "/voices/rosalind.wav",
                    "reference_text": SPOKEN_REFERENCE,
                }
            ],
        },
    },
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_folder: Path) -> Settings:
    """A configuration full of secrets."""
    for name in ("AVATAR_CONFIG", "CREDENTIALS_DIRECTORY", "AVATAR_ADMIN__TOKEN"):
        monkeypatch.delenv(name, raising=False)
    folders = {
        "state_dir": str(tmp_path / "state"),
        "cache_dir": str(tmp_path / "cache"),
        "runtime_dir": str(short_folder),
    }
    file = tmp_path / "config.yaml"
    file.write_text(
        yaml.safe_dump(CONFIG | {"paths": folders, "discovery": {"enabled": False}}, allow_unicode=True),
        encoding="utf-8",
    )
    return load_settings(file)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for sockets."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="avatar-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    """A history full of sentences and names."""
    state_dir = settings.paths.state_dir
    async with Store.open(state_dir) as store:
        turn_id = new_turn_id(1000.0)
        stages = (
            Stage(
                id="a", kind="transcribe", connection_id="c1", started_at=1000.0, first_output_at=1000.2,
                ended_at=1000.5, worker="whisper-base", text_out=SAID, speaker="rosalind", satellite_id="nursery",
                detail={"rejected": THOUGHT},
            ),
            Stage(
                id="b", kind="think", connection_id="c2", started_at=1000.6, ended_at=1001.4, worker="big",
                text_in=SAID, text_out=ANSWERED, conversation_id="zephyr-conversation", error_code="worker-failed",
            ),
            Stage(id="d", kind="speak", connection_id="c3", started_at=1001.5, ended_at=1002.5, worker="studio",
                  voice="rosalind", text_in=SAID_ZH),
        )  # fmt: skip
        turn = Turn(
            id=turn_id, started_at=1000.0, ended_at=1003.0, transcript=SAID, answer=ANSWERED, speaker="rosalind",
            satellite_id="nursery", stages=stages, degraded=f"speak: piper instead of studio ({SAID})",
        )  # fmt: skip
        await store.turns.save([turn], new=[turn_id])
        await store.decisions.add(
            [
                DecisionRecord.of(
                    Decision(at_s=1.0, kind="start", text="big was loaded for the nursery", worker="big"), 1000.0
                )
            ]
        )
        (state_dir / "voices/rosalind").mkdir(parents=True)
        (state_dir / "voices/rosalind/planted.wav").write_bytes(b"RIFF planted sound")
        (state_dir / "owner-token.sha256").write_text("cd" * 32)
        yield store


@pytest.fixture
async def running(store: Store, settings: Settings) -> AsyncIterator[None]:
    """The appliance's API on its owner's socket."""
    token = OwnerToken(settings.paths.state_dir, settings.admin.token)
    dependencies = AdminDependencies(
        store=store, token=token, system=cast("Any", FakeSystem()), coordinator=FakeCoordinator()
    )
    async with serve_owner_socket(create_app(dependencies), settings.paths.runtime_dir):
        yield


class FakeSystem:
    def processes(self) -> list[Any]:
        return []

    async def info(self) -> Any:
        raise RuntimeError(f"a defect that quotes {SAID}")


def journal_json() -> str:
    return "\n".join(
        json.dumps({"__REALTIME_TIMESTAMP": "1700000000000000", "SYSLOG_IDENTIFIER": "avatar-tts"} | entry)
        for entry in JOURNAL
    )


def everything(parts: list[Part], folder: Path) -> str:
    """Return what is in the written bundle, names of files included."""
    path = write_bundle(parts, folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with tarfile.open(path) as archive:
        texts = [f"{m.name}\n{cast('Any', archive.extractfile(m)).read().decode()}" for m in archive.getmembers()]
    return "\n".join(texts)


def found_in(text: str) -> list[str]:
    return [private for private in PRIVATE if private.casefold() in text.casefold()]


async def test_nothing_private_is_in_the_bundle(running: None, settings: Settings, tmp_path: Path) -> None:
    parts = await collect(settings, journal_json=journal_json())
    text = everything(parts, tmp_path)
    assert found_in(text) == []


async def test_what_a_bug_report_needs_is_in_it(running: None, settings: Settings, tmp_path: Path) -> None:
    parts = {part.name: part.text for part in await collect(settings, journal_json=journal_json())}
    assert "the GPU was lost" in parts["journal.txt"]
    assert "Main process exited, code=killed" in parts["journal.txt"]
    assert "pydantic " in parts["versions.txt"]
    assert "Linux" in parts["hardware.txt"]
    assert yaml.safe_load(parts["configuration.yaml"])["workers"]["studio"]["model"] == "/models/f5"
    timings = json.loads(parts["timings.json"])
    [turn] = timings["turns"]
    assert turn["stages"][0]["took_s"] == 0.5
    assert turn["stages"][0]["first_output_s"] == 0.2
    assert turn["stages"][1]["error_code"] == "worker-failed"
    assert timings["took_s"]["think"]["count"] == 1
    assert json.loads(parts["decisions.json"])[0]["worker"] == "big"
    assert json.loads(parts["storage.json"])["database"]["rows"]["turns"] == 1
    assert json.loads(parts["storage.json"])["database"]["quick_check"] == "ok"
    appliance = json.loads(parts["appliance.json"])
    assert [worker["name"] for worker in appliance["vram"]["workers"]]
    assert "whisper" in parts["doctor.txt"] or "models" in parts["doctor.txt"]


async def test_these_tests_would_see_what_leaks(settings: Settings, store: Store, tmp_path: Path) -> None:
    """The planted things are really where the bundle looks."""
    database = settings.paths.state_dir / "avatar.db"
    with closing(sqlite3.connect(database)) as history:
        dump = "\n".join(str(row) for row in history.execute("SELECT * FROM stages"))
        dump += "\n".join(str(row) for row in history.execute("SELECT * FROM turns"))
        dump += "\n".join(str(row) for row in history.execute("SELECT * FROM decisions"))
    dump += repr(CONFIG) + journal_json()
    assert set(found_in(dump)) >= set(PRIVATE) - {SAID_ZH, "藍色行李箱", "星期天"}
    assert SAID_ZH in dump


async def test_a_stopped_appliance_has_a_bundle_as_well(settings: Settings, tmp_path: Path) -> None:
    parts = {part.name: part.text for part in await collect(settings, journal_json="")}
    assert "not running" in parts["appliance.json"]
    assert "unreadable" in parts["timings.json"]
    assert found_in(everything([Part(name, "", text) for name, text in parts.items()], tmp_path)) == []


async def test_the_journal_is_asked_for_warnings_of_our_units_only(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the programs of systemd replaced by ones that write down how they were called."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("journalctl", "systemctl"):
        program = programs / name
        program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/{name}.called\necho "Id=avatar-control.service"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    parts = {part.name: part.text for part in await collect(settings)}
    called = (tmp_path / "journalctl.called").read_text()
    assert "--unit=avatar*" in called
    assert "--priority=warning" in called
    assert "Id=avatar-control.service" in parts["units.txt"]


async def test_each_part_says_what_it_is_for_and_the_bundle_lists_them(settings: Settings, tmp_path: Path) -> None:
    parts = await collect(settings, journal_json="")
    text = everything(parts, tmp_path)
    assert all(part.about for part in parts)
    assert all(f"{part.name} " in text for part in parts)
    assert "CONTENTS.txt" in text


async def test_a_part_that_cannot_be_made_does_not_take_the_others_along(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks() -> Part:
        raise RuntimeError(f"with a text that quotes {SAID}")

    monkeypatch.setattr("avatar_appliance.support.bundle.versions", breaks)
    parts = {part.name: part for part in await collect(settings, journal_json="")}
    assert parts["versions.txt"].text == "RuntimeError\n"
    assert "Linux" in parts["hardware.txt"].text
