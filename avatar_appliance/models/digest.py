"""sha256 of files, in pieces, so that a large one shows progress and can be interrupted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

CHUNK_BYTES = 1 << 20


def sha256_of(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Return the sha256 of the file in hex; `on_bytes` hears the count read so far. Raises OSError."""
    digest = hashlib.sha256()
    done_bytes = 0
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK_BYTES):
            digest.update(piece)
            done_bytes += len(piece)
            if on_bytes is not None:
                on_bytes(done_bytes)
    return digest.hexdigest()
