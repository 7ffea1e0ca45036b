"""Who owns what root makes in folders of the service's user: that user, or the service could not use it."""

from __future__ import annotations

import os
from pathlib import Path


def owned_like(model: Path, path: Path) -> None:
    """Give `path` the owner and group of `model`, where this process is root; raises OSError."""
    if os.geteuid() == 0:
        status = model.stat()
        os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)
