"""The note that a model's files were hashed and found right, so that a start-up need not hash them again."""

from __future__ import annotations

import json
import os
from pathlib import Path

from avatar_appliance.models.catalogue import Model
from avatar_appliance.models.disk import sync

MANIFEST_NAME = ".verified"


class Manifest:
    """Size, time of change and sha256 of every file of one model folder, as they were when last hashed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / MANIFEST_NAME

    def vouches_for(self, model: Model) -> bool:
        """Tell, without hashing, whether every file is untouched since it had the catalogue's sha256."""
        try:
            noted = json.loads(self._path.read_text(encoding="utf-8"))
            return all(noted[file.path] == self._seen(file.path, file.sha256) for file in model.files)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def write(self, model: Model) -> None:
        """Note the files as they are; call it only right after they were hashed. Raises OSError."""
        noted = {file.path: self._seen(file.path, file.sha256) for file in model.files}
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(noted, indent=1), encoding="utf-8")
        sync(draft)
        draft.replace(self._path)

    def discard(self) -> None:
        """Forget; the next look at the model hashes it again. Raises OSError."""
        self._path.unlink(missing_ok=True)

    def _seen(self, path: str, sha256: str) -> dict[str, int | str]:
        seen = os.stat(self._folder / path)
        return {"size_bytes": seen.st_size, "changed_ns": seen.st_mtime_ns, "sha256": sha256}
