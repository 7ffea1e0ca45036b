"""Hear what a C++ library says on stderr: some give their reasons nowhere else."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


class CapturedStderr:
    """What was written, once the capture is over."""

    text: str = ""


@contextlib.contextmanager
def captured_stderr() -> Iterator[CapturedStderr]:
    """Keep what this process (all of it, not only Python) writes to stderr meanwhile, and write it there afterwards."""
    captured = CapturedStderr()
    sys.stderr.flush()
    real = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield captured
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            os.close(real)
            file.seek(0)
            raw = file.read()
            captured.text = raw.decode(errors="replace")
            os.write(2, raw)
