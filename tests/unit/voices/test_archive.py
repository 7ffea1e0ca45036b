"""A profile as one file, there and back; and files that only look like one."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from voice_harness.house import VoiceHouse, as_file
from voice_harness.recordings import SPOKEN

from avatar_appliance.voices.errors import ArchiveInvalid, RecordingRefused
from avatar_appliance.voices.profile import VoiceProfile


async def imported(house: VoiceHouse, archive: bytes) -> VoiceProfile:
    with as_file(archive) as file:
        return await house.voices.import_archive(file)


async def test_an_exported_profile_is_the_same_one_elsewhere(house: VoiceHouse, tmp_path: Path) -> None:
    house.workers.heard = SPOKEN
    made = await house.create(
        name="Anna 安娜", languages=["en", "zh-TW"], tier="high-quality", purpose="night-whisper", speed=0.9,
        transcript=SPOKEN,
    )  # fmt: skip
    made = await house.until(made.id, "ready")
    archive = await house.voices.export(made.id)
    async with VoiceHouse.open(tmp_path / "elsewhere", real_studio=True) as other:
        other.workers.heard = SPOKEN
        again = await other.until((await imported(other, archive)).id, "ready")
        for name in (
            "id",
            "name",
            "languages",
            "tier",
            "purpose",
            "speed",
            "transcript",
            "transcript_source",
            "consent",
        ):
            assert getattr(again, name) == getattr(made, name), name
        assert again.reference_s == pytest.approx(made.reference_s, abs=0.3)
    second = await house.until((await imported(house, archive)).id, "ready")
    assert second.id == "anna-an-na-2"
    assert len(house.index) == 2


def rezipped(archive: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return made.getvalue()


def described(**values: Any) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members["profile.json"] = json.dumps(json.loads(members["profile.json"]) | values).encode()

    return change


def moved(old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members[new] = members.pop(old)

    return change


CHANGES: dict[str, Callable[[dict[str, bytes]], None]] = {
    "a path that leads outside": moved("reference.wav", "../../reference.wav"),
    "an absolute path": moved("reference.wav", "/tmp/reference.wav"),
    "a member too many": lambda members: members.update({"../evil": b"1"}),
    "no recording": lambda members: members.pop("reference.wav") and None,
    "a bomb": lambda members: members.update({"reference.wav": bytes(64 * 2**20)}),
    "a large description": lambda members: members.update({"profile.json": b" " * 2**20}),
    "no JSON": lambda members: members.update({"profile.json": b"{"}),
    "an id that is a path": described(id="../anna"),
    "another format": described(format="avatar-voice-profile-9"),
    "an unknown field": described(admin=True),
    "a name of two lines": described(profile={"name": "Anna\nBen", "languages": ["en"]}),
    "no language": described(profile={"name": "Anna", "languages": []}),
    "a consent without a time": described(consent={"given_by": "Anna", "purpose": "all"}),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_an_archive_with_something_else_in_it_is_refused_and_leaves_nothing(house: VoiceHouse, what: str) -> None:
    made = await house.until((await house.create()).id, "ready")
    before = house.left
    archive = rezipped(await house.voices.export(made.id), CHANGES[what])
    with pytest.raises(ArchiveInvalid):
        await imported(house, archive)
    assert house.left == before
    assert await house.voices.all() == (made,)


@pytest.mark.parametrize(
    "archive", [b"", b"PK\x03\x04 but no more", b"RIFF....WAVE"], ids=["empty", "cut off", "sound"]
)
async def test_what_is_no_archive_is_refused(house: VoiceHouse, archive: bytes) -> None:
    with pytest.raises(ArchiveInvalid):
        await imported(house, archive)
    assert house.left == []


async def test_a_damaged_archive_is_refused(house: VoiceHouse) -> None:
    made = await house.until((await house.create()).id, "ready")
    archive = bytearray(await house.voices.export(made.id))
    archive[len(archive) // 2] ^= 0xFF
    with pytest.raises(ArchiveInvalid):
        await imported(house, bytes(archive))


async def test_a_recording_in_an_archive_is_judged_like_any_other(house: VoiceHouse) -> None:
    made = await house.until((await house.create()).id, "ready")
    archive = rezipped(
        await house.voices.export(made.id), lambda members: members.update({"reference.wav": b"not a recording"})
    )
    with pytest.raises(RecordingRefused):
        await imported(house, archive)
