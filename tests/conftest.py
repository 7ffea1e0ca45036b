"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def speech_dir() -> Path:
    """Human recordings with references: tests/data/speech/manifest.json says whose and under which licence."""
    return DATA / "speech"
