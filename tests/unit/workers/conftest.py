"""What the tests of the workers share: the fakes of the engines, and a short folder for sockets."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # for `engine_fakes`


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """Short: a socket path may have about 100 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="aw-"))
    yield folder
    shutil.rmtree(folder)
