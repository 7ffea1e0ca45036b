"""What a release looked like when its canary sang: configuration, units and polkit rule, kept in its own folder.

    known_good.py wanted               print the fingerprint of what would run now: staged release, configuration, units
    known_good.py current              print {"release": ..., "fingerprint": ...} of what last sang ("": nothing has)
    known_good.py adopt                make the staged release the current one
    known_good.py record               keep what is in force for the current release
    known_good.py restore RELEASE      put back what was in force when RELEASE last sang, and make it the current one
    known_good.py prune COUNT          delete all but COUNT releases; print what was deleted

Runs on the machine, as root. The files are few and small; the database is kept by database.py.
"""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(os.environ.get("AVATAR_TEST_ROOT", "/"))
HOME = ROOT / "opt/avatar"
# Secrets count, so that a new one leads to a restart; they are never copied. What hands them to the units stays with
# them: a unit that is promised a secret which is gone does not start.
COUNTED = ("etc/avatar/credentials/*", "etc/systemd/system/avatar*.d/*")
KEPT = (
    "etc/avatar/config.yaml",
    "etc/systemd/system/avatar*",
    "etc/polkit-1/rules.d/50-avatar.rules",
)


def files(patterns):
    """Return every file that matches, sorted."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file() and not path.is_symlink()}
    return sorted(found)


def release_at(link):
    """Return the name of the release that `current`, `staged` or `previous` leads to, or None."""
    path = HOME / link
    return os.path.basename(os.readlink(path)) if path.is_symlink() else None


def fingerprint(release):
    """Return what changes whenever another release, configuration, unit or secret would be in force."""
    digest = hashlib.sha256(str(release).encode())
    for path in files(KEPT + COUNTED):
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def kept(release):
    """Return the folder of what was in force when `release` last sang."""
    return HOME / "releases" / release / "known-good"


def current():
    """Return the current release, and its fingerprint when it last sang."""
    release = release_at("current")
    note = kept(release) / "fingerprint" if release else None
    return {"release": release or "", "fingerprint": note.read_text() if note and note.exists() else ""}


def record():
    """Keep what is in force."""
    release = release_at("current")
    fresh = kept(release).with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for path in files(KEPT):
        copy = fresh / "files" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
        shutil.chown(copy, path.owner(), path.group())
    (fresh / "fingerprint").write_text(fingerprint(release))
    shutil.rmtree(kept(release), ignore_errors=True)
    fresh.rename(kept(release))


def restore(release):
    """Put back what was in force; what came since is removed."""
    source = kept(release) / "files"
    if not source.is_dir():
        sys.exit(f"{release} never sang on this machine: there is nothing to go back to")
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    for path in files(KEPT):
        if path.relative_to(ROOT) not in wanted:
            path.unlink()
    for path in wanted:
        draft = ROOT / path.with_name(f".{path.name}.new")
        draft.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / path, draft)
        shutil.chown(draft, (source / path).owner(), (source / path).group())
        draft.rename(ROOT / path)
    lead("current", release)
    lead("staged", release)


def lead(link, release):
    """Have `link` lead to `release`, in one step."""
    draft = HOME / f".{link}.new"
    draft.unlink(missing_ok=True)
    draft.symlink_to(Path("releases") / release)
    draft.rename(HOME / link)


def prune(count):
    """Delete the releases that were installed longest ago, never one that a link leads to."""
    linked = {release_at(link) for link in ("current", "staged", "previous")}
    there = sorted((HOME / "releases").iterdir(), key=lambda path: path.stat().st_ctime, reverse=True)
    spare = [path for path in there if path.name not in linked]
    surplus = spare[max(0, count - len(there) + len(spare)) :]
    for path in surplus:
        shutil.rmtree(path)
    return [path.name for path in surplus]


def main(command, *arguments):
    """Do one thing, and print JSON."""
    match command:
        case "wanted":
            result = fingerprint(release_at("staged"))
        case "current":
            result = current()
        case "adopt":
            result = lead("current", release_at("staged"))
        case "record":
            result = record()
        case "restore":
            result = restore(*arguments)
        case "prune":
            result = prune(int(arguments[0]))
        case _:
            sys.exit(f"unknown command {command}")
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
