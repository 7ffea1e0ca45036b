"""Engines small enough to be installed in a second: wheels made here, an index that is a folder."""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avatar_appliance.engines import EngineRecipe
from avatar_appliance.engines.pip_install import PipInstall

HERE = sys.version_info[:2]


def make_wheel(folder: Path, name: str, version: str, code: str) -> Path:
    """Write a wheel with the one module `name`."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in files.items())
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, text in files.items():
            wheel.writestr(member, text)
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A package index: a folder of wheels with `tinyengine` 1.0 and 2.0, the latter broken."""
    folder = tmp_path / "index"
    folder.mkdir()
    make_wheel(folder, "tinyengine", "1.0", "VERSION = 1\n")
    make_wheel(folder, "tinyengine", "2.0", "raise OSError('libtiny.so.2: cannot open shared object file')\n")
    make_wheel(folder, "tinyengine", "3.0", "VERSION = 3\n")
    return folder


class Unpack(PipInstall):
    """Does what pip would do with our wheels, in a hundredth of the time."""

    def __init__(self, index: Path) -> None:
        super().__init__(index)
        self._index = index

    def install(self, python: Path, requirements: Path, *_: Any) -> None:
        name, version = requirements.read_text().splitlines()[1].split()[0].split("==")
        with zipfile.ZipFile(self._index / f"{name}-{version}-py3-none-any.whl") as wheel:
            wheel.extractall(next(python.parents[1].glob("lib/python3.*/site-packages")))


@pytest.fixture
def unpack(index: Path) -> PipInstall:
    return Unpack(index)


@pytest.fixture
def pip(index: Path, cache_dir: Path) -> PipInstall:
    """pip that knows that index only."""
    return PipInstall(cache_dir / "downloads/pip", options=("--no-index", "--find-links", str(index)))


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., EngineRecipe]:
    """Make a recipe for `tinyengine` of a version."""

    def make(version: str = "1.0", **fields: Any) -> EngineRecipe:
        file = tmp_path / f"tiny-{version}.txt"
        file.write_text(f"# a lock\ntinyengine=={version}  # via nothing\n")
        values: dict[str, Any] = {
            "engine": "tiny",
            "title": "Tiny",
            "requirements": file,
            "oldest_python": HERE,
            "newest_python": HERE,
            "check": "import tinyengine",
            "download_bytes": 1,
            "disk_bytes": 1,
        }
        return EngineRecipe(**{**values, **fields})

    return make
