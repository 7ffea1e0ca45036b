"""A worker whose engine cannot be imported says so in one sentence and is not tried again."""

from __future__ import annotations

import os
import sys

import pytest

from wyoming_servers.__main__ import main


def test_a_missing_engine_is_a_configuration_error_with_a_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)  # `import` of it raises ImportError
    monkeypatch.setenv("AVATAR_PATHS__RUNTIME_DIR", str(tmp_path))
    assert main(["worker", "espeak"]) == os.EX_CONFIG
    said = capsys.readouterr().err
    assert "the engine of 'espeak' cannot be loaded" in said
    assert "avatar-appliance[cpu]" in said
