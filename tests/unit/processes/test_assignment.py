"""Where a worker was put, as a file that survives the control plane."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from avatar_appliance.errors import ConfigError
from avatar_appliance.processes.assignment import (
    DeviceAssignment,
    assignment_path,
    read_assignment,
    remove_assignment,
    write_assignment,
)

GIB = 2**30


def test_what_was_written_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for assignment in (DeviceAssignment("cuda:1", 7 * GIB), DeviceAssignment("cpu", None)):
        write_assignment(folder, "whisper-large", assignment)
        assert read_assignment(folder, "whisper-large") == assignment
    assert stat.S_IMODE(assignment_path(folder, "whisper-large").stat().st_mode) == 0o600
    assert [file.name for file in folder.iterdir()] == ["assignment-whisper-large.json"]


def test_a_worker_nobody_assigned_has_none_and_can_be_forgotten_twice(tmp_path: Path) -> None:
    assert read_assignment(tmp_path, "piper") is None
    write_assignment(tmp_path, "piper", DeviceAssignment("cpu"))
    remove_assignment(tmp_path, "piper")
    remove_assignment(tmp_path, "piper")
    assert read_assignment(tmp_path, "piper") is None


def test_what_a_killed_writer_left_is_no_obstacle_and_is_never_read(tmp_path: Path) -> None:
    assignment_path(tmp_path, "piper").with_suffix(".new").write_text("{")
    assert read_assignment(tmp_path, "piper") is None
    write_assignment(tmp_path, "piper", DeviceAssignment("cpu"))
    assert read_assignment(tmp_path, "piper") == DeviceAssignment("cpu")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"device": "cuda"}',
        '{"device": 1}',
        '{"device": "cpu", "limit_bytes": 0}',
        '{"device": "cpu", "limit_bytes": true}',
        '{"device": "cpu", "limit_bytes": 1e9}',
        '{"device": "cpu", "nice": 1}',
        '{"limit_bytes": 1}',
        json.dumps({"device": "cpu; rm"}),
    ],
)
def test_a_file_that_is_not_ours_is_named_and_not_believed(tmp_path: Path, content: str) -> None:
    assignment_path(tmp_path, "piper").write_text(content)
    with pytest.raises(ConfigError, match=r"assignment-piper\.json cannot be used"):
        read_assignment(tmp_path, "piper")
