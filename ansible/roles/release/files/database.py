"""The history across an upgrade: a newer release migrates the database, and an older one cannot read it any more.

    database.py save       copy it, if there is one
    database.py restore    put the copy back if the database was migrated since: what was said since is lost

Runs on the machine while the appliance is stopped; root becomes the owner of the history for it.
"""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

STATE = Path(os.environ.get("AVATAR_TEST_ROOT", "/")) / "var/lib/avatar"
DATABASE, COPY = STATE / "avatar.db", STATE / "before-upgrade.db"


def schema(path):
    """Return the version of the schema."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def copy(source, target):
    """Copy a database with all that is in its write-ahead log; the target appears whole."""
    draft = target.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(draft)) as new:
        old.backup(new)
    for left in ("-wal", "-shm"):
        Path(f"{target}{left}").unlink(missing_ok=True)
    draft.replace(target)


def main(command):
    """Do one thing; say what was done."""
    os.umask(0o077)
    if not STATE.is_dir():
        return
    if os.getuid() == 0:
        os.setgid(STATE.stat().st_gid)
        os.setuid(STATE.stat().st_uid)
    if command == "save" and DATABASE.exists():
        copy(DATABASE, COPY)
        print("saved")
    elif command == "restore" and COPY.exists() and (not DATABASE.exists() or schema(DATABASE) != schema(COPY)):
        copy(COPY, DATABASE)
        print("restored")


if __name__ == "__main__":
    main(sys.argv[1])
