"""The small programs of the roles: packing a checkout, going back to what last sang, the database across an upgrade."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from roles import ANSIBLE, ROOT

PACK = ANSIBLE / "roles/appliance/files/pack.py"
KNOWN_GOOD = ANSIBLE / "roles/release/files/known_good.py"
DATABASE = ANSIBLE / "roles/release/files/database.py"


def call(program: Path, *arguments: str | Path, root: Path | None = None) -> str:
    environment = os.environ | ({"AVATAR_TEST_ROOT": str(root)} if root else {})
    return subprocess.run(
        [sys.executable, program, *arguments], env=environment, capture_output=True, text=True, check=True
    ).stdout


# -- pack.py -----------------------------------------------------------------------------------------------------------


def test_a_checkout_becomes_an_archive_that_can_be_installed(tmp_path: Path) -> None:
    archive = tmp_path / "release.tar.gz"
    name = json.loads(call(PACK, ROOT, archive))["release"]
    with tarfile.open(archive) as packed:
        members = packed.getnames()
    assert name.startswith("0.")
    for file in (
        "pyproject.toml",
        "avatar_appliance/__init__.py",
        "wyoming_servers/__main__.py",
        "systemd/avatar.target",
    ):
        assert f"src/{file}" in members
    assert not [member for member in members if "__pycache__" in member or "tests" in member.split("/")]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of a few files."""
    folder = tmp_path / "checkout"
    (folder / "avatar_appliance/__pycache__").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("")
    (folder / "avatar_appliance/__init__.py").write_text('__version__ = "1.2.3"\n')
    return folder


def test_the_same_files_make_the_same_release_whatever_their_dates(checkout: Path) -> None:
    before = call(PACK, checkout)
    os.utime(checkout / "pyproject.toml", (0, 0))
    (checkout / "avatar_appliance/__pycache__/x.cpython-311.pyc").write_bytes(b"x")
    assert call(PACK, checkout) == before
    assert json.loads(before)["release"].startswith("1.2.3-")


def test_another_byte_makes_another_release(checkout: Path) -> None:
    before = call(PACK, checkout)
    (checkout / "pyproject.toml").write_text("#")
    assert call(PACK, checkout) != before


# -- known_good.py -----------------------------------------------------------------------------------------------------


class Box:
    """The folders of a machine on which releases were installed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "opt/avatar"
        for folder in ("opt/avatar/releases", "etc/avatar/credentials", "etc/systemd/system", "etc/polkit-1/rules.d"):
            (root / folder).mkdir(parents=True)

    def call(self, *arguments: str) -> Any:
        return json.loads(call(KNOWN_GOOD, *arguments, root=self.root))

    def stage(self, release: str) -> None:
        (self.home / "releases" / release).mkdir(exist_ok=True)
        (self.home / "staged").unlink(missing_ok=True)
        (self.home / "staged").symlink_to(f"releases/{release}")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def sing(self, release: str, config: str) -> None:
        self.stage(release)
        self.write("etc/avatar/config.yaml", config)
        self.call("adopt")
        self.call("record")


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_nothing_has_sung_on_a_bare_machine(tmp_path: Path) -> None:
    assert json.loads(call(KNOWN_GOOD, "current", root=tmp_path)) == {"release": "", "fingerprint": ""}
    assert json.loads(call(KNOWN_GOOD, "wanted", root=tmp_path))


def test_what_sang_is_what_is_wanted_until_something_changes(box: Box) -> None:
    box.sing("1-a", "one")
    assert box.call("current") == {"release": "1-a", "fingerprint": box.call("wanted")}


@pytest.mark.parametrize(
    "path",
    [
        "etc/avatar/config.yaml",
        "etc/avatar/credentials/avatar.admin.token",
        "etc/systemd/system/avatar-control.service",
        "etc/systemd/system/avatar-control.service.d/credentials.conf",
        "etc/polkit-1/rules.d/50-avatar.rules",
    ],
)
def test_every_change_is_noticed(box: Box, path: str) -> None:
    box.sing("1-a", "one")
    box.write(path, "another")
    assert box.call("wanted") != box.call("current")["fingerprint"]


def test_another_release_is_noticed(box: Box) -> None:
    box.sing("1-a", "one")
    box.stage("2-b")
    assert box.call("wanted") != box.call("current")["fingerprint"]


def test_going_back_puts_everything_back(box: Box) -> None:
    box.write("etc/systemd/system/avatar-control.service", "old unit")
    box.sing("1-a", "one")
    fingerprint = box.call("current")["fingerprint"]
    box.stage("2-b")
    box.write("etc/avatar/config.yaml", "two")
    box.write("etc/systemd/system/avatar-control.service", "new unit")
    box.write("etc/systemd/system/avatar-new.service", "what the old release does not know")
    box.call("adopt")
    box.call("restore", "1-a")
    assert (box.root / "etc/avatar/config.yaml").read_text() == "one"
    assert (box.root / "etc/systemd/system/avatar-control.service").read_text() == "old unit"
    assert not (box.root / "etc/systemd/system/avatar-new.service").exists()
    assert os.readlink(box.home / "current") == os.readlink(box.home / "staged") == "releases/1-a"
    assert box.call("wanted") == fingerprint


def test_secrets_are_not_copied(box: Box) -> None:
    box.write("etc/avatar/credentials/avatar.admin.token", "hush")
    box.sing("1-a", "one")
    kept = [path for path in (box.home / "releases").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if "hush" in path.read_text()]


def test_the_mode_of_the_configuration_survives(box: Box) -> None:
    box.write("etc/avatar/config.yaml", "one")
    (box.root / "etc/avatar/config.yaml").chmod(0o640)
    box.sing("1-a", "one")
    box.call("restore", "1-a")
    assert (box.root / "etc/avatar/config.yaml").stat().st_mode & 0o777 == 0o640


def test_there_is_no_way_back_to_what_never_sang(box: Box) -> None:
    box.stage("2-b")
    with pytest.raises(subprocess.CalledProcessError):
        box.call("restore", "2-b")


def test_old_releases_go_but_none_that_a_link_leads_to(box: Box) -> None:
    for release in ("1-a", "2-b", "3-c", "4-d"):
        box.sing(release, "same")
    (box.home / "previous").symlink_to("releases/1-a")
    assert sorted(box.call("prune", "2")) == ["2-b", "3-c"]
    assert sorted(path.name for path in (box.home / "releases").iterdir()) == ["1-a", "4-d"]
    assert box.call("prune", "2") == []


# -- database.py -------------------------------------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "var/lib/avatar"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "avatar.db")) as database:
        database.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA user_version=3; CREATE TABLE t (x); INSERT INTO t VALUES (1)"
        )
    return folder


def rows(state: Path) -> list[Any]:
    with closing(sqlite3.connect(state / "avatar.db")) as database:
        return database.execute("SELECT x FROM t").fetchall()


def change(state: Path, script: str) -> None:
    with closing(sqlite3.connect(state / "avatar.db")) as database:
        database.executescript(script)


def test_a_migrated_database_is_put_back(state: Path, tmp_path: Path) -> None:
    call(DATABASE, "save", root=tmp_path)
    change(state, "DROP TABLE t; PRAGMA user_version=4")
    assert call(DATABASE, "restore", root=tmp_path) == "restored\n"
    assert rows(state) == [(1,)]


def test_one_of_the_same_form_is_left_with_what_was_said_since(state: Path, tmp_path: Path) -> None:
    call(DATABASE, "save", root=tmp_path)
    change(state, "INSERT INTO t VALUES (2)")
    assert call(DATABASE, "restore", root=tmp_path) == ""
    assert rows(state) == [(1,), (2,)]


def test_what_is_only_in_the_write_ahead_log_is_saved(state: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(state / "avatar.db")) as database:
        database.execute("INSERT INTO t VALUES (2)")
        database.commit()
        call(DATABASE, "save", root=tmp_path)
    change(state, "PRAGMA user_version=4")
    call(DATABASE, "restore", root=tmp_path)
    assert rows(state) == [(1,), (2,)]


def test_without_a_database_there_is_nothing_to_save(tmp_path: Path) -> None:
    assert call(DATABASE, "save", root=tmp_path) == call(DATABASE, "restore", root=tmp_path) == ""


def test_python_of_the_oldest_system_is_enough() -> None:
    """Debian 12 has 3.11; the programs run by its own Python, without any package."""
    for program in (PACK, KNOWN_GOOD, DATABASE, ANSIBLE / "roles/preflight/files/look.py"):
        python = shutil.which("python3.11") or sys.executable
        subprocess.run([python, "-I", "-c", f"compile(open({str(program)!r}).read(), 'x', 'exec')"], check=True)
