"""Building an engine's environment with the real venv, pip and git: whole, or not there at all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import avatar_appliance
from avatar_appliance.engines import EngineInstallFailed, EngineRecipe, EngineState, EngineVenv, GitSource
from avatar_appliance.engines.installer import EngineInstaller
from avatar_appliance.engines.pip_install import PipInstall
from avatar_appliance.models.errors import DiskFull

Make = Callable[..., EngineRecipe]


class NoPip(PipInstall):
    def install(self, *_: Any) -> None:
        raise AssertionError("there is nothing to install")


class Interrupted(PipInstall):
    """Gets as far as half a package."""

    def install(self, python: Path, *_: Any) -> None:
        site = next(python.parents[1].glob("lib/python3.*/site-packages"))
        (site / "tinyengine.py").write_text("half = ")
        raise KeyboardInterrupt


class Steps:
    def __init__(self) -> None:
        self.labels: list[str] = []

    def step(self, label: str, total_bytes: int | None) -> None:
        self.labels.append(label)

    def at(self, done_bytes: int) -> None:
        pass

    def note(self, text: str) -> None:
        self.labels.append(text)


@pytest.fixture
def installer(cache_dir: Path, unpack: PipInstall) -> EngineInstaller:
    return EngineInstaller(cache_dir, pip=unpack)


@pytest.fixture
def with_pip(cache_dir: Path, pip: PipInstall) -> EngineInstaller:
    return EngineInstaller(cache_dir, pip=pip)


def run(python: Path, code: str) -> str:
    return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_an_engine_is_installed_once_with_the_appliance_importable_in_it(
    with_pip: EngineInstaller, recipe: Make, cache_dir: Path
) -> None:
    steps, tiny = Steps(), recipe()
    assert with_pip.state(tiny) is EngineState.ABSENT
    found = with_pip.install(tiny, progress=steps)
    assert run(found.executable, "import tinyengine; print(tinyengine.VERSION)") == "1"
    # Our own code, as it is now, and nothing else of what the control plane has.
    code = "import avatar_appliance, wyoming_servers; print(avatar_appliance.__version__)"
    assert run(found.executable, code) == avatar_appliance.__version__
    with pytest.raises(subprocess.CalledProcessError):
        run(found.executable, "import pydantic")
    assert with_pip.state(tiny) is EngineState.READY
    assert (cache_dir / "venvs/tiny").resolve() == found.folder
    assert steps.labels[0].startswith("Tiny: environment for Python ")
    assert steps.labels[-1] == "Tiny: first import"
    assert not (cache_dir / "downloads/pip").exists()
    assert EngineInstaller(cache_dir, pip=NoPip(cache_dir)).install(tiny) == found


def test_an_interrupted_install_leaves_nothing_usable_and_is_done_again(
    installer: EngineInstaller, recipe: Make, cache_dir: Path
) -> None:
    tiny = recipe()
    with pytest.raises(KeyboardInterrupt):
        EngineInstaller(cache_dir, pip=Interrupted(cache_dir)).install(tiny)
    venv = EngineVenv(cache_dir, "tiny")
    assert venv.installed() is None
    assert len(venv.builds()) == 1  # the half of it
    found = installer.install(tiny)
    assert run(found.executable, "import tinyengine; print(tinyengine.VERSION)") == "1"
    assert venv.builds() == [found.folder]


def test_what_does_not_import_is_not_installed_and_the_old_one_stays(
    installer: EngineInstaller, recipe: Make, cache_dir: Path
) -> None:
    old = installer.install(recipe("1.0"))
    with pytest.raises(EngineInstallFailed, match=r"cannot be imported: OSError: libtiny\.so\.2: cannot open"):
        installer.install(recipe("2.0"))
    assert EngineVenv(cache_dir, "tiny").installed() == old
    assert installer.state(recipe("1.0")) is EngineState.READY
    installer.verify(recipe("1.0"))


def test_a_new_recipe_makes_the_old_build_outdated_but_usable_until_the_next_install(
    installer: EngineInstaller, recipe: Make, cache_dir: Path
) -> None:
    old = installer.install(recipe("1.0"))
    assert installer.state(recipe("3.0")) is EngineState.OUTDATED
    new = installer.install(recipe("3.0"))
    assert run(new.executable, "import tinyengine; print(tinyengine.VERSION)") == "3"
    # A worker may still run in it.
    assert run(old.executable, "import tinyengine; print(tinyengine.VERSION)") == "1"
    installer.install(recipe("3.0"))
    assert EngineVenv(cache_dir, "tiny").builds() == [new.folder]


def test_it_can_be_built_again_beside_itself_and_removed(
    installer: EngineInstaller, recipe: Make, cache_dir: Path
) -> None:
    first = installer.install(recipe())
    second = installer.install(recipe(), again=True)
    assert first.folder != second.folder
    assert installer.install(recipe()) == second
    installer.remove(recipe())
    installer.remove(recipe())
    assert installer.state(recipe()) is EngineState.ABSENT
    assert EngineVenv(cache_dir, "tiny").builds() == []
    with pytest.raises(EngineInstallFailed, match="not installed"):
        installer.verify(recipe())


def test_pip_says_why_it_failed(with_pip: EngineInstaller, recipe: Make) -> None:
    with pytest.raises(EngineInstallFailed, match=r"No matching distribution found for tinyengine==9\.0"):
        with_pip.install(recipe("9.0"))


def test_a_disk_too_small_is_found_before_the_download(cache_dir: Path, recipe: Make) -> None:
    with pytest.raises(DiskFull, match="Tiny needs"):
        EngineInstaller(cache_dir, pip=NoPip(cache_dir)).install(recipe(disk_bytes=10**18))


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def upstream(tmp_path: Path) -> tuple[str, str]:
    """A repository whose second commit is not the one we want; returns its address and the first commit."""
    folder = tmp_path / "upstream"
    (folder / "src").mkdir(parents=True)
    git(folder, "init", "--quiet")
    (folder / "src/treeengine.py").write_text("VERSION = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    commit = git(folder, "rev-parse", "HEAD")
    (folder / "src/treeengine.py").write_text("VERSION = 2\n")
    git(folder, "commit", "--quiet", "-am", "two")
    return folder.as_uri(), commit


def test_a_source_tree_is_taken_at_its_commit(
    installer: EngineInstaller, recipe: Make, upstream: tuple[str, str]
) -> None:
    url, commit = upstream
    source = GitSource(url=url, commit=commit, import_paths=(".", "src"))
    found = installer.install(recipe(source=source, check="import treeengine, tinyengine"))
    assert run(found.executable, "import treeengine; print(treeengine.VERSION)") == "1"


def test_a_commit_that_is_not_there_is_no_install(
    installer: EngineInstaller, recipe: Make, upstream: tuple[str, str]
) -> None:
    source = GitSource(url=upstream[0], commit="0" * 40)
    with pytest.raises(EngineInstallFailed, match="git fetch failed"):
        installer.install(recipe(source=source))


def test_the_fingerprint_knows_pins_sources_and_checks_but_no_comments(recipe: Make, tmp_path: Path) -> None:
    plain = recipe().fingerprint()
    commented = tmp_path / "commented.txt"
    commented.write_text("# other words\ntinyengine==1.0\n")
    assert recipe(requirements=commented).fingerprint() == plain
    source = GitSource(url="https://example.com/x.git", commit="1" * 40)
    others = {recipe("3.0").fingerprint(), recipe(check="import os").fingerprint(), recipe(source=source).fingerprint()}
    assert len(others | {plain}) == 4


def test_the_python_that_runs_us_is_good_enough(installer: EngineInstaller, recipe: Make) -> None:
    found = installer.install(recipe(), python=sys.executable)
    assert found.python_version == sys.version_info[:2]
