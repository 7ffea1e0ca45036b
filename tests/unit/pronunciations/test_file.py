"""The pronunciations on disk: bounded, atomic, read anew when they change."""

from __future__ import annotations

import json
import logging
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from avatar_appliance.pronunciations import (
    HouseholdPronunciations,
    Pronunciation,
    PronunciationFile,
    PronunciationRefused,
)
from avatar_appliance.pronunciations.file import MOST_ENTRIES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pronunciations.json"


def test_a_reader_sees_each_change_and_the_same_object_between(path: Path) -> None:
    reader, household = PronunciationFile(path), HouseholdPronunciations(path)
    assert reader.entries == ()
    for number in range(3):
        household.set(Pronunciation(f"word{number}", "wurd"))
        assert len(reader.entries) == number + 1
        assert reader.entries is reader.entries
    path.unlink()
    assert reader.entries == ()


def test_the_file_is_private_and_replaced_as_a_whole(path: Path) -> None:
    household = HouseholdPronunciations(path)
    household.set(Pronunciation("a", "b"))
    inode = path.stat().st_ino
    household.set(Pronunciation("a", "c"))
    assert path.stat().st_ino != inode
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"[" * 99_999, b"\xff", b'{"format": 2, "entries": []}', b'{"format": 1, "entries": [1]}',
        b'{"format": 1, "entries": [{"word": 1, "say": "b"}]}', b'{"format": 1, "entries": [{"word": "a", "say": ""}]}',
        b'{"format": 1, "entries": [{"word": "a", "say": "b"}, {"word": "A", "say": "c"}]}', b" " * (2 * 2**20 + 1),
    ],
)  # fmt: skip
def test_a_bad_file_leaves_the_last_good_entries_and_is_complained_about_once(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    HouseholdPronunciations(path).set(Pronunciation("secret", "b"))
    reader = PronunciationFile(path)
    good = reader.entries
    path.write_bytes(content)
    with caplog.at_level(logging.ERROR):
        assert reader.entries == good
        assert reader.entries == good
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


def test_there_is_an_end_to_how_many_there_are(path: Path) -> None:
    entries = [{"word": f"w{number}", "say": "x", "language": None} for number in range(MOST_ENTRIES)]
    path.parent.mkdir()
    path.write_text(json.dumps({"format": 1, "entries": entries}))
    household = HouseholdPronunciations(path)
    with pytest.raises(PronunciationRefused):
        household.set(Pronunciation("one more", "x"))
    household.set(Pronunciation("W3", "y"))
    household.remove("w4", None)
    household.set(Pronunciation("one more", "x"))
    assert len(household.list()) == MOST_ENTRIES


def test_changes_at_the_same_time_are_all_kept(path: Path) -> None:
    household = HouseholdPronunciations(path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: household.set(Pronunciation(f"w{number}", "x")), range(40)))
    assert len(PronunciationFile(path).entries) == 40


def test_what_an_entry_says_is_in_no_repr_and_no_error() -> None:
    assert "secret" not in repr(Pronunciation("secret", "secret"))
    with pytest.raises(PronunciationRefused) as caught:
        Pronunciation("secret", "secret" * 100)
    assert "secret" not in str(caught.value)
