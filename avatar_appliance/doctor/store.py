"""Is the history intact?"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from avatar_appliance.config import Settings

from .finding import Finding, Severity

DATABASE = "avatar.db"


def store(settings: Settings) -> Finding:
    """Return what SQLite's quick check says of the history; read only, and beside a running appliance."""
    path = settings.paths.state_dir / DATABASE
    if not path.exists():
        return Finding("history", Severity.FINE, "none yet: the first start makes it")
    fix = "Stop the appliance and bring a backup back: `avatar restore` (docs/backup.md)."
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as database:
            (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        mend = f"May you read it? `ls -l {path}`; on a provisioned box `avatar` runs as the service's user by itself."
        return Finding("history", Severity.WARNING, f"{path} could not be checked: {error}", mend)
    except sqlite3.DatabaseError as error:
        return Finding("history", Severity.PROBLEM, f"{path} is damaged: {error}", fix)
    if said != "ok":
        return Finding("history", Severity.PROBLEM, f"{path} is damaged: {str(said)[:200]}", fix)
    return Finding("history", Severity.FINE, "SQLite finds it intact")
